// SPDX-License-Identifier: Apache-2.0
#include "losses/labelled_entries.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "losses/loss.h"
#include "testing/cpu_targets.h"
#include "testing/loss_sample.h"

namespace espalier {
namespace {

using testing::Labelling;
using testing::LossSample;
using testing::LossTasks;
using testing::MakeLossSample;
using Entry = std::pair<std::int64_t, std::int64_t>;  // row, column

std::vector<Entry> LabelledOf(const LossSample& sample, std::int64_t first_column) {
  std::vector<Entry> entries;
  const bool is_classes = sample.task.kind == TaskKind::kClasses;
  for (std::int64_t row = 0; row < sample.batch; ++row) {
    for (std::int64_t j = 0; j < sample.width; ++j) {
      const auto i = static_cast<std::size_t>(is_classes ? row : row * sample.width + j);
      const bool is_labelled = !sample.mask.empty() ? sample.mask[i] != 0
                               : is_classes         ? sample.classes[i] >= 0
                                                    : sample.values[i] == sample.values[i];
      if (is_labelled) entries.emplace_back(row, first_column + j);
    }
  }
  return entries;
}

TEST(LabelledEntries, AreListedByRowAndByColumn) {
  testing::ForEachCpuTarget([] {
    const auto tasks = LossTasks();
    for (const std::int64_t width : {1, 3, 15, 16, 17, 33, 64, 100}) {
      for (const Labelling labelling : {Labelling::kAll, Labelling::kNaN, Labelling::kMask}) {
        SCOPED_TRACE("width " + std::to_string(width));
        const LossSample labels = MakeLossSample(tasks[0].second, 9, width, labelling);
        const LossSample classes = MakeLossSample(tasks[5].second, 9, 4, labelling);
        std::vector<Entry> expected = LabelledOf(labels, 0);
        for (const Entry& entry : LabelledOf(classes, width)) expected.push_back(entry);
        std::sort(expected.begin(), expected.end());
        const auto count = static_cast<std::int64_t>(expected.size());

        const TaskTargets targets[] = {labels.targets(), classes.targets()};
        const TaskTargets* const pointers[] = {&targets[0], &targets[1]};
        LabelledEntries list({{0, width, false}, {width, 4, true}}, 9, count);
        if (count > 0) {
          EXPECT_FALSE(list.List(9, pointers, count - 1));
        }
        ASSERT_TRUE(list.List(9, pointers, count + 5));
        ASSERT_EQ(list.count(), count);
        std::vector<Entry> by_row;
        for (std::int64_t row = 0; row < 9; ++row) {
          const EntryRange range = list.Row(row);
          EXPECT_EQ(list.RowOfHead(row, 0).begin, range.begin);
          EXPECT_EQ(list.RowOfHead(row, 0).end, list.RowOfHead(row, 1).begin);
          EXPECT_EQ(list.RowOfHead(row, 1).end, range.end);
          for (std::int32_t e = range.begin; e < range.end; ++e) {
            by_row.emplace_back(row, list.columns()[e]);
          }
        }
        EXPECT_EQ(by_row, expected);
        std::vector<Entry> by_column;
        for (std::int64_t column = 0; column < width + 4; ++column) {
          const EntryRange range = list.Column(column);
          for (std::int32_t place = range.begin; place < range.end; ++place) {
            by_column.emplace_back(list.rows()[place], column);
            EXPECT_EQ(by_row[static_cast<std::size_t>(list.entries()[place])], by_column.back());
            EXPECT_TRUE(place == range.begin || list.rows()[place - 1] < list.rows()[place]);
          }
        }
        std::sort(by_column.begin(), by_column.end());
        EXPECT_EQ(by_column, expected);
      }
    }
  });
}

TEST(LabelledEntries, WithoutTargetsAreNone) {
  const TaskTargets nothing;
  const TaskTargets* const pointers[] = {&nothing, &nothing};
  LabelledEntries list({{0, 70, false}, {70, 4, true}}, 5, 10);
  ASSERT_TRUE(list.List(5, pointers, 10));
  EXPECT_EQ(list.count(), 0);
  EXPECT_EQ(list.Row(4).size(), 0);
  EXPECT_EQ(list.Column(73).size(), 0);
}

TEST(LabelledEntries, GiveTheLossesOfWholeHeadsBitByBit) {
  testing::ForEachCpuTarget([] {
    for (const auto& [name, task] : LossTasks()) {
      for (const auto& [batch, width] : testing::kLossShapes) {
        for (const Labelling labelling : {Labelling::kAll, Labelling::kNaN, Labelling::kMask}) {
          SCOPED_TRACE(name + ", width " + std::to_string(width));
          const LossSample sample = MakeLossSample(task, batch, width, labelling);
          const testing::ComputedLoss expected = testing::ComputeShipped(sample);
          const TaskTargets targets = sample.targets();
          const TaskTargets* const pointers[] = {&targets};
          LabelledEntries list({{0, width, task.kind == TaskKind::kClasses}}, batch, batch * width);
          ASSERT_TRUE(list.List(batch, pointers, batch * width));
          std::vector<float> logits(static_cast<std::size_t>(list.count()));
          for (std::int64_t row = 0; row < batch; ++row) {
            for (std::int32_t e = list.Row(row).begin; e < list.Row(row).end; ++e) {
              logits[static_cast<std::size_t>(e)] =
                  sample.logits[static_cast<std::size_t>(row * width + list.columns()[e])];
            }
          }
          std::vector<float> grads(logits.size(), testing::kNaN);
          std::vector<double> sums(static_cast<std::size_t>(width));
          std::vector<std::uint8_t> active(static_cast<std::size_t>(width), 7);
          const LossResult result = ComputeListedLoss(sample.task, targets,
                                                      {.batch = batch,
                                                       .entries = &list,
                                                       .head = 0,
                                                       .logits = logits.data(),
                                                       .grad_logits = grads.data(),
                                                       .column_sums = sums,
                                                       .active = active});
          EXPECT_EQ(result.loss, expected.result.loss);
          EXPECT_EQ(result.labelled, expected.result.labelled);
          EXPECT_EQ(active, expected.active);
          std::vector<float> all(sample.logits.size(), 0.0f);
          for (std::int64_t row = 0; row < batch; ++row) {
            for (std::int32_t e = list.Row(row).begin; e < list.Row(row).end; ++e) {
              all[static_cast<std::size_t>(row * width + list.columns()[e])] =
                  grads[static_cast<std::size_t>(e)];
            }
          }
          EXPECT_TRUE(testing::SameBits(all, expected.gradient));
        }
      }
    }
  });
}

}  // namespace
}  // namespace espalier
