// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/memory.h"
#include "core/thread_pool.h"
#include "inference/compiled_plan.h"
#include "inference/inference_plan.h"
#include "inference/operation.h"
#include "kernels/matmul/matmul.h"

namespace espalier {

/// What one caller needs to run a plan: room for a batch of what lies neither in its inputs nor in
/// its outputs, and workers.
/// Small operations stay on the caller's thread, so there are two workspaces.
class InferenceBuffers {
 public:
  InferenceBuffers(const CompiledPlan& plan, std::int64_t batch, int workers);
  InferenceBuffers(const InferenceBuffers&) = delete;
  InferenceBuffers& operator=(const InferenceBuffers&) = delete;

  std::int64_t batch() const { return batch_; }
  int workers() const { return workers_; }
  std::int64_t NativeBytes() const;

  /// Makes the system give the memory that it promised.
  void TouchPages();

 private:
  friend class InferencePlan;

  std::int64_t batch_;
  int workers_;
  AlignedArray<float> arena_;
  AlignedArray<float> temporary_;  // of one operation at a time
  Workspace alone_;
  std::optional<Workspace> together_;
  // The steps' calls, ready but for what only a run knows.
  std::vector<const float*> step_inputs_;    // of all steps, one step's after the other's
  std::vector<OperationCall> calls_;         // a step each
  PanelOrder order_ = PanelOrder::kForward;  // of the last run
};

}  // namespace espalier
