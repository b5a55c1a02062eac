// SPDX-License-Identifier: Apache-2.0
#pragma once

// From a part of a network to the operations that compute it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/arena_layout.h"
#include "inference/inference_plan.h"
#include "inference/operation.h"
#include "network/network_state.h"

namespace espalier {

/// What an operation reads or writes: an input of the plan, or an operation's result.
struct PlanValue {
  std::int64_t floats = 0;  // an example
  Length length;
  std::int64_t offset = 0;  // in the arena, an example; of no use if the caller has its place
};

/// A place among what a run writes: example i's floats begin at outputs[index] + offset +
/// i * stride.
struct OutputPlace {
  std::size_t index = 0;
  std::int64_t offset = 0;
  std::int64_t stride = 0;
};

struct PlanStep {
  std::unique_ptr<const Operation> operation;
  std::vector<int> inputs;           // values
  int output = 0;                    // value
  std::optional<OutputPlace> place;  // where a run writes the result; none: in the arena
  std::int64_t shared_batch = 0;     // from this batch on, worth more than one thread
  Length length;                     // that its work grows with
  std::string name;                  // of the layers: "conv1 + norm1 + relu1"
};

/// An input of the plan that a step reads.
struct InputUse {
  std::size_t input = 0;
  std::size_t reader = 0;  // among the inputs of all steps, one step's after the other's
};

struct CompiledPlan {
  std::vector<PlanValue> values;
  std::vector<PlanStep> steps;
  std::vector<int> inputs;  // value of each input of the plan
  std::vector<InputUse> input_uses;
  std::size_t output_count = 0;   // arrays that a run writes
  std::int64_t arena_floats = 0;  // an example
  bool varies = false;            // in length, of some value

  /// True if some operation on such a batch is worth more than one thread.
  bool CanUseWorkers(std::int64_t batch) const;
};

/// Computes values `outputs` from values `inputs` (those of the network normalized), or, if there
/// are none, from all raw inputs of the network. Throws Error: INVALID_ARGUMENT if they do not
/// suffice or an index is out of range.
CompiledPlan CompilePlan(const NetworkState& network, const std::vector<int>& inputs,
                         const std::vector<int>& outputs, const PlanOptions& options);

}  // namespace espalier
