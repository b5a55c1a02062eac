// SPDX-License-Identifier: Apache-2.0
#pragma once

// The steps of a recurrent layer, for some examples of a batch at a time: the products of their
// states are one product for all of them. An example's bits depend on itself alone.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/checked.h"
#include "core/thread_pool.h"
#include "kernels/recurrent/recurrent_steps.h"
#include "layers/valid_positions.h"

namespace espalier {

/// What a recurrent layer is to its passes. Arrays of gates and what is kept of a position are
/// those of one direction.
struct RecurrentSizes {
  bool is_lstm;
  bool resets_before;  ///< a GRU that multiplies by r ⊙ h, not h, for n
  bool returns_sequence;
  std::int64_t directions, length, width, hidden;

  std::int64_t weight_rows() const { return (is_lstm ? 4 : 3) * hidden; }  // of one direction
  std::int64_t output_width() const { return directions * hidden; }

  /// Of a position: as many for either kind. See kernels/recurrent/recurrent_steps.h.
  std::int64_t gates() const { return kRecurrentGates * hidden; }
  /// Kept for Backward: the gates, h before the step, and of an LSTM c before it.
  std::int64_t saved() const { return gates() + (is_lstm ? 2 : 1) * hidden; }
  std::int64_t saved_state() const { return gates(); }
  std::int64_t saved_cell() const { return gates() + hidden; }
  std::int64_t saved_reset() const { return 3 * hidden; }  // r ⊙ h, if resets_before
};

/// Some rows of the recurrent weights of one direction.
struct WeightRows {
  std::int64_t row, count;
};
/// Those that a step multiplies by at once, in the order of the step: one product or two.
struct StateProducts {
  explicit StateProducts(const RecurrentSizes& sizes);

  auto begin() const { return pieces.begin(); }
  auto end() const { return pieces.begin() + count; }

  std::array<WeightRows, 2> pieces;
  std::ptrdiff_t count;
};

/// Examples in a group: enough rows for the tiles of a product, which reads the weights from L2,
/// few enough that a batch gives several tasks.
inline constexpr std::int64_t kRecurrentGroup = 16;

/// Examples that take their steps together in one direction, those with more valid positions first.
struct RecurrentGroup {
  struct Member {
    std::int64_t example, valid;
  };

  std::int64_t steps() const { return members[0].valid; }

  /// How many, the first ones, take the step with that number.
  std::int64_t Active(std::int64_t step) const;

  /// Where member i is at that step, among all positions of the batch.
  std::int64_t Position(std::int64_t i, std::int64_t step, std::int64_t length) const {
    const Member& member = members[static_cast<std::size_t>(i)];
    return member.example * length + (direction == 0 ? step : member.valid - 1 - step);
  }

  std::int64_t direction = 0;
  std::int64_t count = 0;
  std::array<Member, kRecurrentGroup> members{};
};

/// Of examples [first, last); their valid positions are in input 1, if there is one.
RecurrentGroup MakeGroup(std::int64_t direction, std::int64_t first, std::int64_t last,
                         std::span<const float* const> inputs, std::int64_t length);

/// body(group, a worker's scratch) for all groups of a batch, in both directions.
template <typename Body>
void ForGroups(const RecurrentSizes& sizes, std::int64_t batch,
               std::span<const float* const> inputs, Workspace& workspace, const Body& body) {
  constexpr std::int64_t kTaskProduct = 1 << 19;  // multiply-adds: about 10 µs
  const std::int64_t groups = (batch + kRecurrentGroup - 1) / kRecurrentGroup;
  const std::int64_t count = groups * sizes.directions;
  const std::int64_t steps = SaturatedMultiply(std::min(batch, kRecurrentGroup), sizes.length);
  const std::int64_t work =
      SaturatedMultiply(steps, SaturatedMultiply(sizes.weight_rows(), sizes.hidden));
  const std::int64_t run = std::max<std::int64_t>(1, kTaskProduct / work);
  workspace.ParallelFor((count + run - 1) / run, [&](std::int64_t task, std::span<float> scratch) {
    for (std::int64_t i = task * run; i < std::min(count, (task + 1) * run); ++i) {
      const std::int64_t group = i % groups;
      body(MakeGroup(i / groups, batch * group / groups, batch * (group + 1) / groups, inputs,
                     sizes.length),
           scratch.data());
    }
  });
}

/// Scratch floats for a group's steps.
std::int64_t GroupScratchFloats(const RecurrentSizes& sizes);

/// Columns of an array of gates whose gradients are those of rows of the recurrent weights, and
/// where among the saved floats of a position stands what these rows were multiplied by.
struct GateColumns {
  std::int64_t column, row, count, factor;
};
/// All of them, in one piece or two.
struct AllGateColumns {
  explicit AllGateColumns(const RecurrentSizes& sizes);

  auto begin() const { return pieces.begin(); }
  auto end() const { return pieces.begin() + count; }

  std::array<GateColumns, 2> pieces;
  std::ptrdiff_t count;
};

/// What a direction's steps read and write, of the whole batch.
struct ForwardSteps {
  const float* packed_weight;  ///< the recurrent one, transposed: from PackB, by StateProducts
  const float* bias;           ///< the recurrent one, or null
  float* positions;            ///< of each the products of the input; they become the gates
  bool is_saved;               ///< RecurrentSizes::saved of a position, or its gates alone
  float* output;               ///< of all directions
};
void RunSteps(const RecurrentSizes& sizes, const RecurrentGroup& group, const ForwardSteps& steps,
              float* scratch);

struct BackwardSteps {
  const float* packed_weight;  ///< the recurrent one: from PackB, by StateProducts
  const float* saved;          ///< the positions that RunSteps left
  const float* grad_output;    ///< of all directions
  float* grads;                ///< of each position's gates; 0 behind the valid ones
};
void RunStepsBackward(const RecurrentSizes& sizes, const RecurrentGroup& group,
                      const BackwardSteps& steps, float* scratch);

}  // namespace espalier
