// SPDX-License-Identifier: Apache-2.0
#include "kernels/training/entry_loss.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "core/cpu.h"
#include "testing/cpu_targets.h"
#include "testing/special_values.h"
#include "testing/tolerance.h"
#include "testing/ulp.h"

namespace espalier {
namespace {

using testing::GuardedArray;
using testing::GuardedFloats;
using testing::GuardSide;

// Losses and derivatives of the logistic loss of each z, all with one target.
struct LogisticLosses {
  std::vector<float> losses;
  std::vector<float> gradients;
};

LogisticLosses ComputeLogistic(const std::vector<float>& z, float target) {
  LogisticLosses result{std::vector<float>(z.size()), std::vector<float>(z.size())};
  const std::vector<float> targets(kEntryBlockColumns, target);
  EntryColumns columns{};
  std::fill_n(columns.positive_weights, kEntryBlockColumns, 1.0f);
  std::fill_n(columns.gradient_scales, kEntryBlockColumns, 1.0f);
  for (std::size_t i = 0; i < z.size(); i += kEntryBlockColumns) {
    EntryBlock block;
    block.rows = 1;
    block.columns = static_cast<std::int64_t>(std::min<std::size_t>(256, z.size() - i));
    block.logits = z.data() + i;
    block.grad_logits = result.gradients.data() + i;
    block.logits_stride = block.targets_stride = block.columns;
    block.targets = targets.data();
    ComputeEntryLoss({}, block, columns);
    std::copy_n(columns.loss_sums, block.columns, result.losses.begin() + static_cast<long>(i));
  }
  return result;
}

double Softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
double Sigmoid(double x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}

// softplus(x) = log(1 + exp(x)) shows the errors of both functions that it is made of.
TEST(EntryLoss, LogisticIsAccurateToAFewUnitsInTheLastPlace) {
  const std::vector<float> z = testing::FloatsOfEverySize();
  testing::ForEachCpuTarget([&] {
    testing::WorstUlp loss;
    testing::WorstUlp gradient;
    for (const float target : {0.0f, 1.0f}) {
      const LogisticLosses got = ComputeLogistic(z, target);
      const double sign = target == 0.0f ? 1.0 : -1.0;
      for (std::size_t i = 0; i < z.size(); ++i) {
        const double x = sign * static_cast<double>(z[i]);
        loss.Add(z[i], got.losses[i], Softplus(x));
        gradient.Add(z[i], got.gradients[i], sign * Sigmoid(x));
      }
    }
    EXPECT_LE(loss.error, 3.5) << "at " << loss.at;
    EXPECT_LE(gradient.error, 3.0) << "at " << gradient.at;
    const std::string target(CpuTargetName(ActiveCpuTarget()));
    RecordProperty(target + "_ulp_loss", std::to_string(loss.error));
    RecordProperty(target + "_ulp_gradient", std::to_string(gradient.error));
  });
}

// The formulas of entry_loss.h in float64, and the derivative of each.
struct LossAndGradient {
  double loss = 0.0;
  double gradient = 0.0;
};

LossAndGradient ExactLoss(const EntryLossSettings& settings, double z, double y, double w) {
  const double no = 1.0 - y;
  switch (settings.kind) {
    case EntryLoss::kLogistic:
      return {y * w * Softplus(-z) + no * Softplus(z), no * Sigmoid(z) - y * w * Sigmoid(-z)};
    case EntryLoss::kFocal: {  // with exponents of 2
      const double p = Sigmoid(z);
      const double q = Sigmoid(-z);
      const double yes = y * w * settings.positive_alpha;
      const double other = no * settings.negative_alpha;
      return {
          yes * q * q * Softplus(-z) + other * p * p * Softplus(z),
          other * p * p * (2.0 * q * Softplus(z) + p) - yes * q * q * (2.0 * p * Softplus(-z) + q)};
    }
    case EntryLoss::kSquared:
      return {(z - y) * (z - y), 2.0 * (z - y)};
    case EntryLoss::kHuber: {
      const double delta = settings.delta;
      const double size = std::abs(z - y);
      if (size > delta) return {delta * (size - delta / 2), std::copysign(delta, z - y)};
      return {size * size / 2, z - y};
    }
  }
  return {};
}

// Rows of special logits and targets, one column a lane; some without a label.
struct SpecialEntries {
  SpecialEntries(std::size_t columns_in, GuardSide side)
      : columns(columns_in),
        logits(kRows * columns, side),
        gradients(kRows * columns, side),
        targets(kRows * columns, side),
        mask(kRows * columns, side) {}

  void Fill(std::size_t turn) {
    constexpr float kTargets[] = {0.0f, 1.0f, 0.25f, std::numeric_limits<float>::quiet_NaN(),
                                  std::numeric_limits<float>::infinity()};
    for (std::size_t i = 0; i < kRows * columns; ++i) {
      logits.data()[i] = testing::FirstSpecial(i, turn);
      targets.data()[i] = kTargets[(i + turn / testing::kSpecialFloatCount) % std::size(kTargets)];
      mask.data()[i] = static_cast<std::uint8_t>((i * 5 + turn) % 3);
    }
  }

  bool IsLabelled(std::size_t i, bool is_masked) {
    return is_masked ? mask.data()[i] != 0 : !std::isnan(targets.data()[i]);
  }

  EntryBlock Block(bool is_masked) {
    return {.rows = kRows,
            .columns = static_cast<std::int64_t>(columns),
            .logits = logits.data(),
            .grad_logits = gradients.data(),
            .logits_stride = static_cast<std::int64_t>(columns),
            .targets = targets.data(),
            .mask = is_masked ? mask.data() : nullptr,
            .targets_stride = static_cast<std::int64_t>(columns)};
  }

  static constexpr std::size_t kRows = 2;
  static constexpr std::size_t kTurns = 5 * testing::kSpecialFloatCount;
  std::size_t columns;
  GuardedFloats logits, gradients, targets;
  GuardedArray<std::uint8_t> mask;
};

TEST(EntryLoss, SpecialValuesInEveryLaneOfEveryLength) {
  const EntryLossSettings kinds[] = {
      {.kind = EntryLoss::kLogistic},
      {.kind = EntryLoss::kFocal, .gamma = 2.0f, .positive_alpha = 0.25f, .negative_alpha = 0.75f},
      {.kind = EntryLoss::kSquared},
      {.kind = EntryLoss::kHuber, .delta = 0.5f}};
  constexpr float kWeight = 3.0f;
  constexpr float kScale = 0.5f;
  EntryColumns columns{};
  std::fill_n(columns.positive_weights, kEntryBlockColumns, kWeight);
  std::fill_n(columns.gradient_scales, kEntryBlockColumns, kScale);
  testing::ForEachGuardedLength([&](std::size_t length, GuardSide side) {
    SpecialEntries entries(length, side);
    for (std::size_t turn = 0; turn < SpecialEntries::kTurns; ++turn) {
      entries.Fill(turn);
      for (const EntryLossSettings& settings : kinds) {
        for (const bool is_masked : {false, true}) {
          ComputeEntryLoss(settings, entries.Block(is_masked), columns);
          std::vector<double> sums(length);
          for (std::size_t i = 0; i < SpecialEntries::kRows * length; ++i) {
            const float z = entries.logits.data()[i];
            const float y = entries.targets.data()[i];
            const float gradient = entries.gradients.data()[i];
            if (!entries.IsLabelled(i, is_masked)) {
              ASSERT_EQ(gradient, 0.0f) << "without a label, " << z << " and " << y;
              continue;
            }
            const LossAndGradient exact = ExactLoss(settings, z, y, kWeight);
            sums[i % length] += static_cast<float>(exact.loss);
            const double scaled = kScale * static_cast<double>(static_cast<float>(exact.gradient));
            ASSERT_TRUE(testing::IsFloatOf(gradient, scaled, 2e-6, 1e-36))
                << static_cast<int>(settings.kind) << " of " << z << " and " << y << ": "
                << gradient << ", not " << scaled;
          }
          for (std::size_t j = 0; j < length; ++j) {
            ASSERT_TRUE(testing::IsClose(columns.loss_sums[j], sums[j], 2e-6, 1e-36))
                << static_cast<int>(settings.kind) << " in column " << j << " of logits "
                << entries.logits.data()[j] << ", " << entries.logits.data()[length + j] << ": "
                << columns.loss_sums[j] << ", not " << sums[j];
          }
        }
      }
    }
  });
}

TEST(EntryLoss, LabelsInEveryLaneOfEveryLength) {
  testing::ForEachGuardedLength([&](std::size_t length, GuardSide side) {
    SpecialEntries entries(length, side);
    const auto columns = static_cast<std::int64_t>(length);
    GuardedArray<std::int32_t> counts(length, side);
    GuardedArray<std::int32_t> places(length + kPlacesSlack, side);
    for (std::size_t turn = 0; turn < SpecialEntries::kTurns; ++turn) {
      entries.Fill(turn);
      for (const bool is_masked : {false, true}) {
        CountLabelled(entries.Block(is_masked), counts.data());
        const std::uint8_t* const mask = is_masked ? entries.mask.data() : nullptr;
        const std::int64_t listed =
            ListLabelled(entries.targets.data(), mask, columns, 100, places.data());
        std::int64_t next = 0;
        bool is_in_range = true;
        for (std::size_t j = 0; j < length; ++j) {
          const bool is_first = entries.IsLabelled(j, is_masked);
          const bool is_second = entries.IsLabelled(length + j, is_masked);
          ASSERT_EQ(counts.data()[j], int{is_first} + int{is_second});
          if (!is_first) continue;
          ASSERT_LT(next, listed);
          ASSERT_EQ(places.data()[next], static_cast<std::int32_t>(100 + j));
          ++next;
          const float target = entries.targets.data()[j];
          is_in_range = is_in_range && target >= 0.0f && target <= 1.0f;
        }
        ASSERT_EQ(next, listed);
        ASSERT_EQ(TargetsInRange(entries.targets.data(), mask, columns, 0.0f, 1.0f), is_in_range);
      }
    }
  });
}

}  // namespace
}  // namespace espalier
