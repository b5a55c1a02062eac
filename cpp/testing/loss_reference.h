// SPDX-License-Identifier: Apache-2.0
#pragma once

// The losses in float64, entry by entry, as their papers write them.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "espalier/spec.h"
#include "espalier/task_targets.h"

namespace espalier::testing {

struct ReferenceLoss {
  double loss = 0.0;
  std::vector<double> gradient;  // [batch, width]
  std::int64_t labelled = 0;
};

inline double Softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
inline double SigmoidOf(double x) { return 1.0 / (1.0 + std::exp(-x)); }

struct EntryResult {
  double loss = 0.0;
  double gradient = 0.0;
};

inline EntryResult ReferenceEntry(const TaskSpec& task, double positive_weight, double z,
                                  double y) {
  if (task.loss == LossKind::kSquared) return {(z - y) * (z - y), 2.0 * (z - y)};
  if (task.loss == LossKind::kHuber) {
    const double d = z - y;
    const double delta = task.huber_delta;
    if (std::abs(d) <= delta) return {0.5 * d * d, d};
    return {delta * (std::abs(d) - 0.5 * delta), d > 0.0 ? delta : -delta};
  }
  const double smooth = y * (1.0 - task.label_smoothing) + task.label_smoothing / 2.0;
  double yes = positive_weight * smooth;
  double no = 1.0 - smooth;
  if (task.loss == LossKind::kLogistic) {
    return {yes * Softplus(-z) + no * Softplus(z), no * SigmoidOf(z) - yes * SigmoidOf(-z)};
  }
  // Lin et al. 2017: -alpha (1-p)^gamma log p for the positive part, mirrored for the negative.
  if (task.focal_alpha >= 0.0) {
    yes *= task.focal_alpha;
    no *= 1.0 - task.focal_alpha;
  }
  const double p = SigmoidOf(z);
  const double q = SigmoidOf(-z);
  const double gamma = task.focal_gamma;
  return {yes * std::pow(q, gamma) * Softplus(-z) + no * std::pow(p, gamma) * Softplus(z),
          -yes * std::pow(q, gamma) * (gamma * p * Softplus(-z) + q) +
              no * std::pow(p, gamma) * (gamma * q * Softplus(z) + p)};
}

inline bool IsLabelledEntry(const TaskTargets& targets, std::size_t i) {
  if (!targets.mask.empty()) return targets.mask[i] != 0;
  return targets.classes.empty() ? !std::isnan(targets.values[i]) : targets.classes[i] != -1;
}

/// logits: [batch, width], dense.
inline ReferenceLoss ComputeReferenceLoss(const TaskSpec& task, const TaskTargets& targets,
                                          std::size_t batch, const std::vector<double>& logits) {
  const std::size_t width = task.labels.size();
  ReferenceLoss result;
  result.gradient.assign(batch * width, 0.0);
  const bool is_empty = targets.values.empty() && targets.classes.empty();
  if (is_empty) return result;
  const bool has_classes = task.kind == TaskKind::kClasses;
  std::vector<std::int64_t> counts(width, 0);
  for (std::size_t i = 0; i < (has_classes ? batch : batch * width); ++i) {
    if (!IsLabelledEntry(targets, i)) continue;
    ++result.labelled;
    if (!has_classes) ++counts[i % width];
  }
  const auto divisor = [&](std::size_t column) {
    if (task.normalization == LossNormalization::kExamples) return static_cast<double>(batch);
    if (task.normalization == LossNormalization::kPerLabel && !has_classes) {
      return static_cast<double>(counts[column]);
    }
    return static_cast<double>(result.labelled);
  };
  for (std::size_t row = 0; row < batch; ++row) {
    if (!has_classes) {
      for (std::size_t j = 0; j < width; ++j) {
        const std::size_t i = row * width + j;
        if (!IsLabelledEntry(targets, i)) continue;
        const double positive_weight =
            task.positive_weights.empty() ? 1.0 : task.positive_weights[j];
        const EntryResult entry = ReferenceEntry(task, positive_weight, logits[i],
                                                 static_cast<double>(targets.values[i]));
        result.loss += task.weight * entry.loss / divisor(j);
        result.gradient[i] = task.weight * entry.gradient / divisor(j);
      }
      continue;
    }
    if (!IsLabelledEntry(targets, row)) continue;
    const auto target = static_cast<std::size_t>(targets.classes[row]);
    const double* z = logits.data() + row * width;
    double greatest = z[0];
    for (std::size_t c = 1; c < width; ++c) greatest = std::max(greatest, z[c]);
    std::vector<double> p(width);
    double sum = 0.0;
    for (std::size_t c = 0; c < width; ++c) sum += p[c] = std::exp(z[c] - greatest);
    for (double& probability : p) probability /= sum;
    for (std::size_t c = 0; c < width; ++c) {
      const double weight = task.class_weights.empty() ? 1.0 : task.class_weights[c];
      const double t = (c == target ? 1.0 - task.label_smoothing : 0.0) +
                       task.label_smoothing / static_cast<double>(width);
      const double scale = task.weight * weight * t / divisor(0);
      result.loss += scale * (std::log(sum) + greatest - z[c]);
      for (std::size_t k = 0; k < width; ++k) {
        result.gradient[row * width + k] += scale * (p[k] - (k == c ? 1.0 : 0.0));
      }
    }
  }
  return result;
}

}  // namespace espalier::testing
