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
#include "network/network_state.h"

namespace espalier {

/// Activations and scratch for one caller of a plan.
class InferenceBuffers;

class InferencePlan {
 public:
  /// Computes layers `outputs` from layers `inputs`, whose values the caller provides
  /// (empty: from the network's raw input, which is then normalized). Copies all weights.
  InferencePlan(const NetworkState& network, std::vector<int> inputs, std::vector<int> outputs,
                std::int64_t max_batch);
  ~InferencePlan();
  InferencePlan(InferencePlan&&) noexcept;

  /// Buffers for running with up to `workers` threads.
  std::unique_ptr<InferenceBuffers> MakeBuffers(int workers) const;

  /// inputs[i]: [batch, shape of inputs[i]]; outputs[i]: [batch, shape of outputs[i]].
  /// 1 <= batch <= max_batch. Allocates nothing.
  void Run(std::int64_t batch, std::span<const float* const> inputs,
           std::span<float* const> outputs, InferenceBuffers& buffers) const;

  std::int64_t max_batch() const;
  std::int64_t NativeBytes() const;
  std::string Describe() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace espalier
