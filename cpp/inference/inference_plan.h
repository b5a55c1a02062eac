// SPDX-License-Identifier: Apache-2.0
#pragma once

// A compiled, read-only way to run part of a network in evaluation mode: batch norm
// folded, bias and activation fused, weights packed once. One example gives the same bits
// in any batch, at any place, on any number of threads.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "espalier/precision.h"
#include "inference/plan_steps.h"
#include "kernels/copies/pixels.h"
#include "network/network_state.h"

namespace espalier {

/// Activations and scratch for one caller of a plan; see inference/inference_run.h.
class InferenceRun;

/// How the values of layers that a caller gives or takes lie: as everywhere outside plans, or
/// channels last, as other plans have them. A network's raw input always comes from outside.
enum class PlanBorder { kOutside, kInside };

/// Where a run writes: each output to an array of its own, or all side by side in one.
enum class PlanOutputs { kSeparate, kSideBySide };

/// A batch runs in pieces whose activations stay within this, which is about what a core has of L2
/// and L3: larger pieces would only move data through memory, and every caller needs buffers of its
/// own.
inline constexpr std::int64_t kPieceBytes = std::int64_t{8} << 20;

struct PlanOptions {
  PlanBorder border = PlanBorder::kOutside;
  PlanOutputs outputs = PlanOutputs::kSeparate;
  Precision precision = Precision::kFp32;
  std::vector<int> keep_float;  // layers whose weights stay in float in any precision
};

class InferencePlan {
 public:
  /// Computes values `outputs` from values `inputs`, which the caller provides (those of the
  /// network normalized; empty: everything from all raw inputs of the network, which are then
  /// normalized). Copies all weights. Throws Error: INVALID_ARGUMENT if the
  /// inputs do not suffice.
  InferencePlan(const NetworkState& network, std::vector<int> inputs, std::vector<int> outputs,
                std::int64_t max_batch, const PlanOptions& options = {});

  /// A run with up to `workers` threads, and, in the second form, room for `batch` examples at
  /// once: larger batches run in pieces.
  std::unique_ptr<InferenceRun> MakeRun(int workers) const;
  std::unique_ptr<InferenceRun> MakeRun(int workers, std::int64_t batch) const;

  /// inputs[i]: [batch, shape of inputs[i]]; outputs[i]: [batch, shape of outputs[i]], or, side by
  /// side, outputs[0]: [batch, sum of their floats]. 1 <= batch <= max_batch. Allocates nothing.
  /// `lengths`: inputs and outputs whose length varies have as many positions, all examples one
  /// after another; null: all positions. Side by side no output may vary.
  /// `run`: this plan's, or a copy's.
  void Run(std::int64_t batch, std::span<const float* const> inputs,
           std::span<float* const> outputs, InferenceRun& run,
           const BatchLengths* lengths = nullptr) const;

  /// The same for a network's raw input in pixels; only where ReadsPixels: where the one
  /// operation that reads that input takes it so. Bits as for the pixels' floats.
  void RunPixels(std::int64_t batch, const Pixels& pixels, std::span<float* const> outputs,
                 InferenceRun& run) const;
  bool ReadsPixels() const;

  /// True if such a batch is worth more than one thread.
  bool CanUseWorkers(std::int64_t batch) const;

  /// The fewest examples that are worth a thread, which then runs all steps on them.
  std::int64_t LeastPart(const BatchLengths* lengths) const;

  std::int64_t max_batch() const { return max_batch_; }
  std::int64_t floats_per_example() const {  ///< of a run, scratch aside
    return content_.arena_floats;
  }
  std::int64_t NativeBytes() const { return weight_bytes_; }
  std::int64_t work() const { return work_; }  ///< multiply-adds of an example, or as long

  /// One line an operation: "conv1 + norm1 + relu1".
  std::string Describe() const;

  /// The same with what computes them and the memory of their weights:
  /// "dense1 + relu1: product 784 x 256, 803840 bytes".
  std::string DescribeKernels() const;

 private:
  friend class InferenceRun;

  void CheckCall(std::int64_t batch, std::size_t inputs, std::size_t outputs) const;

  std::int64_t max_batch_;
  PlanSteps content_;
  std::int64_t weight_bytes_ = 0;
  std::int64_t work_ = 0;
};

}  // namespace espalier
