// SPDX-License-Identifier: Apache-2.0
#pragma once

// What an inference plan consists of, as plain data.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "inference/operation.h"
#include "network/lengths.h"

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
  std::int64_t work = 0;             // the operation's
  std::int64_t shared_batch = 0;     // from this batch on, worth more than one thread
  Length length;                     // that its work grows with
  std::string name;                  // of the layers: "conv1 + norm1 + relu1"
};

/// An input of the plan that a step reads.
struct InputUse {
  std::size_t input = 0;
  std::size_t reader = 0;  // among the inputs of all steps, one step's after the other's
};

struct PlanSteps {
  std::vector<PlanValue> values;
  std::vector<PlanStep> steps;  // in an order that runs
  std::vector<int> inputs;      // value of each input of the plan
  std::vector<InputUse> input_uses;
  std::size_t output_count = 0;   // arrays that a run writes
  std::int64_t arena_floats = 0;  // an example
  bool varies = false;            // in length, of some value
};

}  // namespace espalier
