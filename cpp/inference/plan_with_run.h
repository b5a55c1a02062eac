// SPDX-License-Identifier: Apache-2.0
#pragma once

// An inference plan with a run for its one caller, kept at the pool's number of threads.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "inference/inference_plan.h"
#include "inference/inference_run.h"

namespace espalier {

/// Batches run in pieces of as many examples as have activations of kPieceBytes, or of the bytes
/// that the weights take, which each piece reads. No bit depends on it.
class PlanWithRun {
 public:
  /// As InferencePlan's constructor.
  PlanWithRun(const NetworkState& network, std::vector<int> inputs, std::vector<int> outputs,
              std::int64_t max_batch, const PlanOptions& options);

  /// As InferencePlan::Run. Allocates only if the number of threads was changed.
  void Run(std::int64_t batch, std::span<const float* const> inputs,
           std::span<float* const> outputs, const BatchLengths* lengths = nullptr);

  std::int64_t NativeBytes() const { return plan_.NativeBytes() + run_->NativeBytes(); }

 private:
  InferencePlan plan_;
  std::int64_t piece_;  // examples
  std::unique_ptr<InferenceRun> run_;
};

}  // namespace espalier
