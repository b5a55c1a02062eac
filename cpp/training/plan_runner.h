// SPDX-License-Identifier: Apache-2.0
#pragma once

// An inference plan with buffers for one caller, kept at the pool's number of threads.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "inference/inference_buffers.h"
#include "inference/inference_plan.h"

namespace espalier {

/// Batches run in pieces of as many examples as have activations of kPieceBytes, or of the bytes
/// that the weights take, which each piece reads. No bit depends on it.
class PlanRunner {
 public:
  /// As InferencePlan's constructor.
  PlanRunner(const NetworkState& network, std::vector<int> inputs, std::vector<int> outputs,
             std::int64_t max_batch, const PlanOptions& options);

  /// As InferencePlan::Run. Allocates only if the number of threads was changed.
  void Run(std::int64_t batch, std::span<const float* const> inputs,
           std::span<float* const> outputs, const BatchLengths* lengths = nullptr);

  std::int64_t NativeBytes() const;

 private:
  /// What an example takes of an array that a run reads or writes.
  struct Part {
    std::int64_t floats = 0;
    Length length;
  };
  static std::vector<Part> PartsOf(const NetworkState& network, const std::vector<int>& values);
  static std::vector<Part> OutputParts(const NetworkState& network, const std::vector<int>& outputs,
                                       const PlanOptions& options);

  std::vector<Part> inputs_;
  std::vector<Part> outputs_;
  InferencePlan plan_;
  std::int64_t piece_;  // examples
  int workers_;
  std::unique_ptr<InferenceBuffers> buffers_;
  std::vector<const float*> piece_inputs_;
  std::vector<float*> piece_outputs_;
};

}  // namespace espalier
