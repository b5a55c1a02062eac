// SPDX-License-Identifier: Apache-2.0
#include "kernels/entry_loss.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/cpu.h"
#include "testing/cpu_targets.h"
#include "testing/ulp.h"

namespace espalier {
namespace {

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

}  // namespace
}  // namespace espalier
