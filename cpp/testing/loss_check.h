// SPDX-License-Identifier: Apache-2.0
#pragma once

// Holds a Loss (espalier/loss.h) to its contract, on random logits and answers, some of them
// unlabelled: gradients against central differences, zeros where nothing is labelled, the same
// alone and in a batch, finite numbers for logits up to 50.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/text.h"
#include "espalier/loss.h"
#include "espalier/spec.h"

namespace espalier::testing {

/// A LossBatch with its memory.
struct OwnedLossBatch {
  OwnedLossBatch(TaskKind kind, std::int64_t batch, std::int64_t columns)
      : has_classes(kind == TaskKind::kClasses),
        examples(batch),
        width(columns),
        logits(static_cast<std::size_t>(batch * columns)),
        targets(has_classes ? 0 : logits.size()),
        classes(has_classes ? static_cast<std::size_t>(batch) : 0),
        mask(has_classes ? classes.size() : logits.size()),
        gradients(logits.size()) {}

  bool IsLabelled(std::size_t entry) const {
    return mask[has_classes ? entry / static_cast<std::size_t>(width) : entry] != 0;
  }

  /// The mask follows from the answers.
  double Compute(const Loss& loss) {
    constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
    for (std::size_t i = 0; i < mask.size(); ++i) {
      mask[i] = (has_classes ? classes[i] >= 0 : !std::isnan(targets[i])) ? 1 : 0;
    }
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (!IsLabelled(i)) logits[i] = kNaN;
    }
    std::fill(gradients.begin(), gradients.end(), 0.0f);
    if (std::count(mask.begin(), mask.end(), std::uint8_t{1}) == 0) return 0.0;
    return loss.Compute({.examples = examples,
                         .width = width,
                         .logits = logits,
                         .targets = targets,
                         .classes = classes,
                         .mask = mask},
                        gradients);
  }

  /// The example alone.
  OwnedLossBatch Example(TaskKind kind, std::int64_t row) const {
    OwnedLossBatch example(kind, 1, width);
    std::copy_n(logits.begin() + row * width, width, example.logits.begin());
    if (has_classes) {
      example.classes[0] = classes[static_cast<std::size_t>(row)];
    } else {
      std::copy_n(targets.begin() + row * width, width, example.targets.begin());
    }
    return example;
  }

  bool has_classes;
  std::int64_t examples;
  std::int64_t width;
  std::vector<float> logits;
  std::vector<float> targets;
  std::vector<std::int32_t> classes;
  std::vector<std::uint8_t> mask;
  std::vector<float> gradients;
};

inline OwnedLossBatch RandomLossBatch(TaskKind kind, std::int64_t examples, std::int64_t width) {
  Random random({.seed = 5, .index = static_cast<std::uint32_t>(100 * examples + width)});
  OwnedLossBatch batch(kind, examples, width);
  for (float& logit : batch.logits) logit = static_cast<float>(8.0 * random.NextUniform() - 4.0);
  for (std::size_t i = 0; i < batch.targets.size(); ++i) {
    const double number = kind == TaskKind::kValues ? 8.0 * random.NextUniform() - 4.0
                          : random.NextBelow(4) > 0 ? static_cast<double>(random.NextBelow(2))
                                                    : random.NextUniform();
    const bool is_labelled = i < static_cast<std::size_t>(width) || random.NextBelow(3) > 0;
    batch.targets[i] =
        is_labelled ? static_cast<float>(number) : std::numeric_limits<float>::quiet_NaN();
  }
  for (std::size_t i = 0; i < batch.classes.size(); ++i) {
    const auto drawn =
        static_cast<std::int32_t>(random.NextBelow(static_cast<std::uint64_t>(width)));
    batch.classes[i] = i == 0 || random.NextBelow(3) > 0 ? drawn : -1;
  }
  return batch;
}

/// Slope by a logit, from differences of two widths: the error goes with the step's fourth power.
inline double SlopeOf(const Loss& loss, OwnedLossBatch& batch, std::size_t entry, double step) {
  const float logit = batch.logits[entry];
  const auto difference = [&](double width) {
    const float above = static_cast<float>(static_cast<double>(logit) + width);
    const float below = static_cast<float>(static_cast<double>(logit) - width);
    batch.logits[entry] = above;
    const double most = batch.Compute(loss);
    batch.logits[entry] = below;
    const double least = batch.Compute(loss);
    batch.logits[entry] = logit;
    return (most - least) / (static_cast<double>(above) - static_cast<double>(below));
  };
  return (4.0 * difference(step) - difference(2.0 * step)) / 3.0;
}

/// A line for each kind of problem; empty if there is none.
inline std::vector<std::string> LossProblems(TaskKind kind, const Loss& loss) {
  constexpr std::int64_t kExamples = 5;
  // The second where a kink lies within the first.
  constexpr double kSteps[] = {0x1p-6, 0x1p-11};
  std::vector<std::string> problems;
  for (const std::int64_t width : {1, 3, 8}) {
    OwnedLossBatch batch = RandomLossBatch(kind, kExamples, width);
    const auto report = [&](const auto&... parts) {
      problems.push_back(Concat("width ", width, ": ", parts...));
    };
    const auto check_finite = [&](double sum, const char* where) {
      for (const float gradient : batch.gradients) sum += 0.0 * static_cast<double>(gradient);
      if (!std::isfinite(sum)) report("expected a finite loss and gradients", where);
    };
    const double sum = batch.Compute(loss);
    check_finite(sum, "");
    for (std::size_t i = 0; i < batch.gradients.size(); ++i) {
      if (!batch.IsLabelled(i) && batch.gradients[i] != 0.0f) {
        report("expected a gradient of 0 where nothing is labelled, got ", batch.gradients[i],
               " at ", i);
      }
    }
    if (batch.Compute(loss) != sum) report("expected the same of the same batch");
    double sum_of_sums = 0.0;
    for (std::int64_t row = 0; row < kExamples; ++row) {
      OwnedLossBatch example = batch.Example(kind, row);
      const double alone = example.Compute(loss);
      sum_of_sums += alone;
      const std::vector<float> gradients = example.gradients;
      if (!std::equal(gradients.begin(), gradients.end(), batch.gradients.begin() + row * width)) {
        report("expected the gradients of an example alone");
      }
      for (std::size_t j = 0; j < gradients.size(); ++j) {
        if (!example.IsLabelled(j)) continue;
        const auto gradient = static_cast<double>(gradients[j]);
        const bool is_right = std::any_of(std::begin(kSteps), std::end(kSteps), [&](double step) {
          const double slope = SlopeOf(loss, example, j, step);
          const double rounding = 4.0 * 0x1p-24 * std::abs(alone) / step;
          return std::abs(gradient - slope) <=
                 1e-5 + 1e-3 * std::max(std::abs(gradient), std::abs(slope)) + rounding;
        });
        if (!is_right) {
          report("expected a gradient of ", SlopeOf(loss, example, j, kSteps[0]),
                 " by differences, got ", gradient, " for the logit ", example.logits[j]);
        }
      }
    }
    if (!(std::abs(sum - sum_of_sums) <= 1e-6 * std::abs(sum) + 1e-9)) {
      report("expected the sum of the examples' losses alone, ", sum_of_sums, ", got ", sum);
    }
    for (std::size_t i = 0; i < batch.logits.size(); ++i) {
      batch.logits[i] = i % 2 == 0 ? 50.0f : -50.0f;
    }
    check_finite(batch.Compute(loss), " for logits of ±50");
  }
  return problems;
}

}  // namespace espalier::testing
