// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/memory.h"
#include "core/thread_pool.h"
#include "inference/inference_plan.h"
#include "inference/operation.h"
#include "kernels/matmul/matmul.h"

namespace espalier {

/// What one caller needs to run a plan: room for a batch of what lies neither in its inputs nor in
/// its outputs, and workers.
///
/// A batch that is large enough is cut: each worker runs all steps on some of its examples, and
/// waits for nobody between them. Otherwise workers share each operation that is worth it.
class InferenceRun {
 public:
  /// Larger batches than `piece` run in pieces.
  InferenceRun(const InferencePlan& plan, std::int64_t piece, int workers);
  InferenceRun(const InferenceRun&) = delete;
  InferenceRun& operator=(const InferenceRun&) = delete;

  int workers() const { return workers_; }
  std::int64_t NativeBytes() const;

  /// Makes the system give the memory that it promised.
  void TouchPages();

 private:
  friend class InferencePlan;

  /// What the caller gives and takes.
  struct Border {
    std::span<const float* const> inputs;
    const Pixels* pixels = nullptr;  // in place of inputs[0]
    std::span<float* const> outputs;
    const BatchLengths* lengths = nullptr;
  };

  /// A thread's own: the steps' calls, ready but for what only a batch knows.
  struct Lane {
    std::vector<const float*> step_inputs;  // of all steps, one step's after the other's
    std::vector<OperationCall> calls;       // a step each
    Workspace alone;
    PanelOrder order = PanelOrder::kForward;  // of the last examples
  };

  Lane MakeLane(const InferencePlan& plan, int worker, std::int64_t batch);
  void Execute(const InferencePlan& plan, std::int64_t batch, const Border& border);
  void RunExamples(const InferencePlan& plan, std::int64_t first, std::int64_t count,
                   const Border& border, Lane& lane, Workspace* together);
  std::int64_t PartOf(const InferencePlan& plan, std::int64_t batch,
                      const BatchLengths* lengths) const;

  std::int64_t piece_;
  int workers_;
  std::int64_t part_room_ = 0;  // examples in each of parts_
  Workspace together_;
  AlignedArray<float> arena_;
  AlignedArray<float> temporary_;  // of one operation at a time
  std::optional<Lane> whole_;      // of a piece, with all of that
  std::vector<Lane> parts_;        // a worker each, among whom it is divided; or none
};

}  // namespace espalier
