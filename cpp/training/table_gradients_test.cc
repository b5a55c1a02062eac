// SPDX-License-Identifier: Apache-2.0
#include "training/table_gradients.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/trainer.h"
#include "gtest/gtest.h"
#include "testing/layer_spec.h"
#include "testing/sanitized.h"

namespace espalier {
namespace {

constexpr std::int64_t kCount = 9;
constexpr std::int64_t kWidth = 5;
constexpr std::int64_t kLength = 3;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr const char* kTable = "words.weight";

TEST(TableGradients, RowsThatAreNamedAndNotZeroAreReached) {
  // Rows as the table's, or those alone that ids name: 2, 4, 5 and 7.
  for (const bool takes_all_rows : {true, false}) {
    const std::vector<std::size_t> places = {0, 0, 0, 0, 1, 2, 0, 3, 0};
    std::vector<float> gradients((takes_all_rows ? kCount : 4) * 2, 100.0f);
    const std::vector<std::int32_t> ids = {7, 2, 7, -1, 9, 4, 2, 5};
    const auto set = [&](std::size_t row, float a, float b) {
      const std::size_t place = takes_all_rows ? row : places[row];
      gradients[2 * place] = a;
      gradients[2 * place + 1] = b;
    };
    set(2, 3.0f, -4.0f);
    set(4, 0.0f, 0.0f);
    set(5, 0.0f, std::numeric_limits<float>::denorm_min());
    set(7, 1.0f, 0.0f);
    TableGradients tables;
    tables.Add({.parameter = 3,
                .rows = kCount,
                .width = 2,
                .ids = {.values = reinterpret_cast<const float*>(ids.data()), .per_example = 2},
                .gradients = gradients.data()},
               4, takes_all_rows);
    tables.FindRows(4, nullptr);
    EXPECT_DOUBLE_EQ(tables.Begin(), 26.0);
    EXPECT_EQ(tables.tables()[0].reached, (std::vector<std::int32_t>{2, 5, 7}));
    EXPECT_DOUBLE_EQ(tables.ClampedSumOfSquares(2.0f), 9.0);
    set(7, kNaN, 0.0f);
    tables.FindRows(4, nullptr);
    EXPECT_TRUE(std::isnan(tables.Begin()));
    tables.FindRows(1, nullptr);
    EXPECT_EQ(tables.tables()[0].reached, (std::vector<std::int32_t>{2, 7}));
  }
}

// A table under a frozen head: a row's gradients depend on that row alone where it is all that an
// example reads.
class Words {
 public:
  explicit Words(TrainerConfig config = {}, std::int64_t count = kCount)
      : network_(
            NetworkBuilder({{.name = "ids", .shape = Shape{kLength}, .type = ElementType::kInt32}})
                .Layer(
                    testing::Spec("embedding", {{"count", count}, {"width", kWidth}}, "words", {}))
                .Layer(testing::Spec("token_pool", "mean", {"words"}))
                .Head("signs", LabelsTask({"a", "b"}))
                .Build(3)) {
    std::vector<float> head(2 * kWidth);
    for (std::size_t i = 0; i < head.size(); ++i) head[i] = std::sin(static_cast<float>(i + 1));
    network_.WriteParameter("heads.signs.dense.weight", head);
    network_.Freeze({.pattern = "heads.*"});
    config.max_batch_size = 4;
    trainer_.emplace(network_, config);
  }

  // An example of each id alone.
  StepResult Step(const std::vector<std::int32_t>& rows, float target = 1.0f) {
    std::vector<std::int32_t> ids;
    std::vector<float> values;
    for (const std::int32_t row : rows) {
      ids.insert(ids.end(), kLength, row);
      values.insert(values.end(), 2, target);
    }
    return Step(ids, values);
  }

  StepResult Step(const std::vector<std::int32_t>& ids, const std::vector<float>& values) {
    const InputData inputs[] = {std::span<const std::int32_t>(ids)};
    const TaskTargets targets[] = {{.values = values}};
    return trainer_->Step(static_cast<std::int64_t>(ids.size()) / kLength,
                          Inputs(std::span<const InputData>(inputs)), targets);
  }

  Trainer& trainer() { return *trainer_; }

  std::vector<float> Row(std::int32_t row) const {
    const std::vector<float> table = network_.ReadParameter(kTable);
    const auto begin = table.begin() + row * kWidth;
    return {begin, begin + kWidth};
  }

 private:
  Network network_;
  std::optional<Trainer> trainer_;
};

TEST(TableGradients, RowsOutsideABatchKeepTheirBits) {
  Words words({.optimizer = AdamW{.weight_decay = 0.1}});
  std::vector<std::vector<float>> before;
  for (std::int32_t row = 0; row < kCount; ++row) before.push_back(words.Row(row));
  words.Step({2, 3, 7});
  words.Step({2, 7});
  for (std::int32_t row = 0; row < kCount; ++row) {
    const bool is_named = row == 2 || row == 3 || row == 7;
    EXPECT_EQ(words.Row(row) == before[static_cast<std::size_t>(row)], !is_named) << row;
  }
}

#ifndef ESPALIER_SANITIZED  // whose heap fills all that it gives
std::int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");  // proc_pid_statm(5): pages in all, pages resident
  std::int64_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST(TableGradients, RowsAtRestTakeNoMemory) {
  constexpr std::int32_t kMany = 1'000'000;
  Words words({.optimizer = AdamW{.weight_decay = 0.1}}, kMany);
  words.Step({1});
  const std::int64_t before = ResidentBytes();
  for (std::int32_t row = 0; row < kMany; row += 2000) {
    words.Step({row, row + 500, row + 1000, row + 1500});
  }
  // A table of moments has 20 MB, and the pages of 2000 rows far from each other have 8.
  EXPECT_LT(ResidentBytes() - before, 2 << 20);
}
#endif

TEST(TableGradients, StateMovesToThePlacesOfItsRows) {
  TableGradients tables;
  tables.Add({.rows = 5, .width = 2}, 4, /*takes_all_rows=*/false);
  TableGradients::Table& table = tables.tables()[0];
  std::vector<float> first = {1, 2, 3, 4, 5, 6, 0, 0, 0, 0};  // of rows 4, 0 and 3
  std::vector<float> second = {-1, -2, -3, -4, -5, -6, 0, 0, 0, 0};
  for (const std::int32_t row : {4, 0, 3, 0}) table.TakePlace(row);
  EXPECT_EQ(table.placed, 3);
  const std::vector<float> by_row = {3, 4, 0, 0, 0, 0, 5, 6, 1, 2};
  EXPECT_EQ(table.ByRow(first.data()), by_row);
  for (int time = 0; time < 2; ++time) {  // the second changes nothing
    float* const state[] = {first.data(), second.data()};
    table.PlaceByRow(state);
    EXPECT_EQ(first, by_row);
    EXPECT_EQ(second, (std::vector<float>{-3, -4, 0, 0, 0, 0, -5, -6, -1, -2}));
    EXPECT_EQ(table.TakePlace(2), 2);
  }
}

// State lies in the order in which rows were reached; outside in that of rows.
TEST(TableGradients, StateIsThatOfTheRow) {
  const TrainerConfig config = {.optimizer = AdamW{.learning_rate = 0.1, .weight_decay = 0.1}};
  const std::vector<std::vector<std::int32_t>> steps = {{7, 2}, {3}, {2, 3, 4}, {8, 7, 1}, {2, 1}};
  Words words(config);
  Words shards({.optimizer = config.optimizer, .data_parallel = true});  // gradients lie as rows
  std::vector<std::vector<float>> moments(kCount);
  for (const std::vector<std::int32_t>& step : steps) {
    words.Step(step);
    shards.Step(step);
    for (const char* name : {"exp_avg", "exp_avg_sq"}) {
      const std::vector<float> state = words.trainer().ReadState(kTable, name);
      EXPECT_EQ(state, shards.trainer().ReadState(kTable, name));
    }
    const std::vector<float> state = words.trainer().ReadState(kTable, "exp_avg");
    for (std::int32_t row = 0; row < kCount; ++row) {
      const auto begin = state.begin() + row * kWidth;
      const std::vector<float> now(begin, begin + kWidth);
      auto& before = moments[static_cast<std::size_t>(row)];
      if (before.empty()) before.resize(kWidth);
      EXPECT_EQ(now != before, std::ranges::count(step, row) > 0) << row;
      before = now;
      EXPECT_EQ(words.Row(row), shards.Row(row));
    }
  }
}

// Neither momentum nor decay moves a row between the steps that name it, and bias correction counts
// these alone.
TEST(TableGradients, ARowCountsItsOwnSteps) {
  const OptimizerConfig optimizers[] = {AdamW{.learning_rate = 0.1, .weight_decay = 0.1},
                                        Sgd{.learning_rate = 0.1, .momentum = 0.9}};
  for (const OptimizerConfig& optimizer : optimizers) {
    Words often({.optimizer = optimizer});
    Words seldom({.optimizer = optimizer});
    for (const std::int32_t other : {3, 5, 4}) {
      often.Step({other});
      often.Step({2});
      seldom.Step({2});
    }
    EXPECT_EQ(often.Row(2), seldom.Row(2));
    EXPECT_NE(often.Row(3), seldom.Row(3));
  }
}

TEST(TableGradients, RowsThatOnlyUnlabelledExamplesNameAreNotReached) {
  Words words({.optimizer = AdamW{.weight_decay = 0.1}});
  const std::vector<float> before = words.Row(6);
  words.Step({2, 2, 2, 6, 6, 6}, {1.0f, 0.0f, kNaN, kNaN});
  words.Step({6, 6, 6, 2, 2, 2}, {kNaN, kNaN, 1.0f, 1.0f});
  EXPECT_EQ(words.Row(6), before);
  words.Step({6, 6, 6, 2, 2, 2}, {kNaN, 1.0f, 1.0f, 1.0f});
  EXPECT_NE(words.Row(6), before);
}

// The gradient's norm is that of the rows, and clipping scales to it.
TEST(TableGradients, ClippingCountsTheRowsOfTheStep) {
  Words plain({.optimizer = Sgd{.learning_rate = 1.0}});
  const std::vector<float> before2 = plain.Row(2), before7 = plain.Row(7);
  const double norm = plain.Step({2, 7}).gradient_norm;
  double squares = 0.0;
  for (std::size_t i = 0; i < kWidth; ++i) {
    squares +=
        std::pow(before2[i] - plain.Row(2)[i], 2) + std::pow(before7[i] - plain.Row(7)[i], 2);
  }
  EXPECT_NEAR(norm, std::sqrt(squares), 1e-6);
  Words clipped({.optimizer = Sgd{.learning_rate = 1.0}, .clip_norm = norm / 4});
  clipped.Step({2, 7});
  for (std::size_t i = 0; i < kWidth; ++i) {
    EXPECT_NEAR(before2[i] - clipped.Row(2)[i], (before2[i] - plain.Row(2)[i]) / 4, 1e-6);
  }
  const double limit = 1e-2;
  Words clamped(
      {.optimizer = Sgd{.learning_rate = 1.0}, .clip_value = limit, .clip_norm = limit / 4});
  clamped.Step({2, 7});
  double clamped_squares = 0.0;
  for (std::size_t i = 0; i < kWidth; ++i) {
    for (const double difference :
         {before2[i] - clamped.Row(2)[i], before7[i] - clamped.Row(7)[i]}) {
      clamped_squares += difference * difference;
    }
  }
  EXPECT_NEAR(std::sqrt(clamped_squares), limit / 4, 1e-6);
}

}  // namespace
}  // namespace espalier
