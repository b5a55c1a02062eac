// SPDX-License-Identifier: Apache-2.0
#include "training/table_gradients.h"

#include <unistd.h>

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
  std::vector<float> gradients(kCount * 2, 100.0f);
  const std::vector<std::int32_t> ids = {7, 2, 7, -1, 9, 4, 2, 5};
  const auto set = [&](std::size_t row, float a, float b) {
    gradients[2 * row] = a;
    gradients[2 * row + 1] = b;
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
             4, /*takes_all_rows=*/false);
  EXPECT_DOUBLE_EQ(tables.Begin(4, nullptr), 26.0);
  EXPECT_EQ(tables.tables()[0].reached, (std::vector<std::int32_t>{2, 5, 7}));
  EXPECT_DOUBLE_EQ(tables.ClampedSumOfSquares(2.0f), 9.0);
  EXPECT_DOUBLE_EQ(tables.Begin(1, nullptr), 26.0);
  EXPECT_EQ(tables.tables()[0].reached, (std::vector<std::int32_t>{2, 7}));
  set(7, kNaN, 0.0f);
  EXPECT_TRUE(std::isnan(tables.Begin(1, nullptr)));
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
  constexpr std::int64_t kMany = 1'000'000;
  Words words({.optimizer = AdamW{.weight_decay = 0.1}}, kMany);
  words.Step({1});
  const std::int64_t before = ResidentBytes();
  words.Step({3, 300'000, 600'000, 900'000});
  EXPECT_LT(ResidentBytes() - before, 6 << 20);  // a table of moments has 20 MB
}
#endif

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
