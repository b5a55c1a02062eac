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

#include "core/thread_pool.h"
#include "espalier/precision.h"
#include "kernels/copies/pixels.h"
#include "network/network_state.h"

namespace espalier {

/// Activations and scratch for one caller of a plan; see inference/inference_buffers.h.
class InferenceBuffers;

struct CompiledPlan;

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
};

class InferencePlan {
 public:
  /// Computes values `outputs` from values `inputs`, which the caller provides (those of the
  /// network normalized; empty: everything from all raw inputs of the network, which are then
  /// normalized). Copies all weights. Throws Error: INVALID_ARGUMENT if the
  /// inputs do not suffice.
  InferencePlan(const NetworkState& network, std::vector<int> inputs, std::vector<int> outputs,
                std::int64_t max_batch, const PlanOptions& options = {});
  ~InferencePlan();
  InferencePlan(InferencePlan&&) noexcept;
  InferencePlan& operator=(InferencePlan&&) noexcept;

  /// Buffers for running with up to `workers` threads, and, in the second form, batches of
  /// no more than `batch`.
  std::unique_ptr<InferenceBuffers> MakeBuffers(int workers) const;
  std::unique_ptr<InferenceBuffers> MakeBuffers(int workers, std::int64_t batch) const;

  /// inputs[i]: [batch, shape of inputs[i]]; outputs[i]: [batch, shape of outputs[i]], or, side by
  /// side, outputs[0]: [batch, sum of their floats]. 1 <= batch <= max_batch. Allocates nothing.
  /// `lengths`: inputs and outputs whose length varies have as many positions, all examples one
  /// after another; null: all positions. Side by side no output may vary.
  void Run(std::int64_t batch, std::span<const float* const> inputs,
           std::span<float* const> outputs, InferenceBuffers& buffers,
           const BatchLengths* lengths = nullptr) const {
    Execute(batch, inputs, nullptr, outputs, buffers, lengths);
  }

  /// The same for a network's raw input in pixels; only where ReadsPixels: where the one
  /// operation that reads that input takes it so. Bits as for the pixels' floats.
  void RunPixels(std::int64_t batch, const Pixels& pixels, std::span<float* const> outputs,
                 InferenceBuffers& buffers) const;
  bool ReadsPixels() const;

  /// True if some operation on such a batch is worth more than one thread.
  bool CanUseWorkers(std::int64_t batch) const;

  std::int64_t max_batch() const { return max_batch_; }
  std::int64_t floats_per_example() const;  ///< of the buffers, scratch aside
  std::int64_t NativeBytes() const;         ///< of weights
  std::int64_t work() const;                ///< multiply-adds of an example, or what takes as long

  /// One line an operation: "conv1 + norm1 + relu1".
  std::string Describe() const;

  /// The same with what computes them and the memory of their weights:
  /// "dense1 + relu1: product 784 x 256, 803840 bytes".
  std::string DescribeKernels() const;

 private:
  /// `pixels`: in place of inputs[0], or null.
  void Execute(std::int64_t batch, std::span<const float* const> inputs, const Pixels* pixels,
               std::span<float* const> outputs, InferenceBuffers& buffers,
               const BatchLengths* lengths) const;

  std::unique_ptr<const CompiledPlan> plan_;
  std::int64_t max_batch_;
};

}  // namespace espalier
