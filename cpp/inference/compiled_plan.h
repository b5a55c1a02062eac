// SPDX-License-Identifier: Apache-2.0
#pragma once

// From a part of a network to the operations that compute it.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/arena_layout.h"
#include "espalier/precision.h"
#include "inference/inference_plan.h"
#include "inference/operation.h"
#include "network/network_state.h"

namespace espalier {

/// What an operation reads or writes: an input of the plan, or an operation's result.
struct PlanValue {
  std::int64_t floats = 0;  // an example
  bool is_input = false;    // the caller provides it
  std::int64_t offset = 0;  // in the arena, an example
  /// Outputs of the plan that this value is, side by side, if no operation reads it: they
  /// may be written in place.
  std::vector<int> outputs;
};

struct PlanStep {
  /// Multiply-adds below which an operation stays on the caller's thread: waking a worker
  /// and waiting for it costs about as long as these take alone.
  static constexpr std::int64_t kSharedWork = 1'000'000;
  bool IsShared(std::int64_t batch) const { return operation->work() >= kSharedWork / batch; }

  std::unique_ptr<const Operation> operation;
  std::vector<int> inputs;  // values
  int output = 0;           // value
  std::string name;         // of the layers: "conv1 + norm1 + relu1"
};

/// A requested layer: floats [offset, offset + floats) of a value.
struct PlanOutput {
  int value = 0;
  std::int64_t offset = 0;
  std::int64_t floats = 0;
};

struct CompiledPlan {
  std::vector<PlanValue> values;
  std::vector<PlanStep> steps;
  std::vector<PlanOutput> outputs;
  std::vector<int> inputs;        // value of each input of the plan
  std::int64_t arena_floats = 0;  // an example

  /// True if some operation on such a batch is worth more than one thread.
  bool CanUseWorkers(std::int64_t batch) const;
};

/// Computes layers `outputs` from layers `inputs` (kNetworkInput: the normalized input), or,
/// if there are none, from the raw input. Throws Error: INVALID_ARGUMENT if they do not
/// suffice or an index is out of range.
CompiledPlan CompilePlan(const NetworkState& network, const std::vector<int>& inputs,
                         const std::vector<int>& outputs, PlanBorder border, Precision precision);

}  // namespace espalier
