// SPDX-License-Identifier: Apache-2.0
#pragma once

// Losses as a user would write them: those of tasks by their papers' formulas, and any function.

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "espalier/loss.h"
#include "testing/loss_reference.h"

namespace espalier::testing {

/// The loss of a task, its weight and normalization aside.
class ReferenceTaskLoss : public Loss {
 public:
  explicit ReferenceTaskLoss(TaskSpec task) : task_(std::move(task)) {
    task_.weight = 1.0;
    task_.normalization = LossNormalization::kExamples;
  }

  double Compute(const LossBatch& batch, std::span<float> gradients) const override {
    TaskSpec task = task_;
    task.labels.resize(static_cast<std::size_t>(batch.width));
    const ReferenceLoss reference = ComputeReferenceLoss(
        task, {.values = batch.targets, .classes = batch.classes, .mask = batch.mask},
        static_cast<std::size_t>(batch.examples), {batch.logits.begin(), batch.logits.end()});
    const auto examples = static_cast<double>(batch.examples);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      gradients[i] = static_cast<float>(examples * reference.gradient[i]);
    }
    return examples * reference.loss;
  }

 private:
  TaskSpec task_;
};

class FunctionLoss : public Loss {
 public:
  using Function = std::function<double(const LossBatch&, std::span<float>)>;

  explicit FunctionLoss(Function function) : function_(std::move(function)) {}
  double Compute(const LossBatch& batch, std::span<float> gradients) const override {
    return function_(batch, gradients);
  }

 private:
  Function function_;
};

}  // namespace espalier::testing
