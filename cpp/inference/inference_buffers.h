// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/memory.h"
#include "core/thread_pool.h"
#include "inference/compiled_plan.h"
#include "inference/inference_plan.h"
#include "kernels/matmul.h"

namespace espalier {

/// What one caller needs to run a plan: room for all values of a batch, and workers.
/// Small operations stay on the caller's thread, so there are two workspaces.
class InferenceBuffers {
 public:
  InferenceBuffers(const CompiledPlan& plan, std::int64_t batch, int workers);

  std::int64_t batch() const { return batch_; }
  int workers() const { return workers_; }
  std::int64_t NativeBytes() const;

  /// Makes the system give the memory that it promised.
  void TouchPages();

 private:
  friend class InferencePlan;

  // Example i of something: at data + i * stride.
  struct Place {
    float* data = nullptr;
    std::int64_t stride = 0;
  };

  Place PlaceInArena(const PlanValue& value) {
    return {.data = arena_.data() + value.offset * batch_, .stride = value.floats};
  }

  /// For a value that is an output: true if the outputs that it is lie just as the step would
  /// write them.
  bool GoesStraightToOutputs(const CompiledPlan& plan, const PlanStep& step) const;

  std::int64_t batch_;
  int workers_;
  AlignedArray<float> arena_;
  Workspace alone_;
  std::optional<Workspace> together_;
  std::vector<Place> places_;                // by value; a run sets those of inputs and outputs
  std::vector<Place> outputs_;               // where the caller wants them
  std::vector<const float*> step_inputs_;    // of the step that runs
  PanelOrder order_ = PanelOrder::kForward;  // of the last run
};

}  // namespace espalier
