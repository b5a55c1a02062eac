// SPDX-License-Identifier: Apache-2.0
#include "layers/recurrent_group.h"

#include "kernels/elementwise/elementwise.h"
#include "kernels/matmul/matmul.h"

namespace espalier {
namespace {

// For each member h and c, or their gradients; its products of h, or the gradients of these; then
// what the products need.
struct Scratch {
  Scratch(const RecurrentSizes& sizes, const RecurrentGroup& group, float* floats)
      : state(floats),
        cell(state + kRecurrentGroup * sizes.hidden),
        products(cell + kRecurrentGroup * sizes.hidden),
        matmul(products + kRecurrentGroup * sizes.weight_rows()) {
    std::fill_n(state, group.count * sizes.hidden, 0.0f);
    std::fill_n(cell, group.count * sizes.hidden, 0.0f);
  }

  float* state;
  float* cell;
  float* products;
  float* matmul;
};

// Where h of a member at a position of the batch goes, or its gradient comes from.
std::int64_t OutputOf(const RecurrentSizes& sizes, const RecurrentGroup& group, std::int64_t row) {
  return row * sizes.output_width() + group.direction * sizes.hidden;
}

// body(position) for each position behind the valid ones.
template <typename Body>
void ForPadding(const RecurrentSizes& sizes, const RecurrentGroup& group, const Body& body) {
  for (std::int64_t i = 0; i < group.count; ++i) {
    const auto [example, valid] = group.members[static_cast<std::size_t>(i)];
    for (std::int64_t at = valid; at < sizes.length; ++at) body(example * sizes.length + at);
  }
}

// body(member, its example) for a layer that returns the last state alone.
template <typename Body>
void ForLastStates(const RecurrentSizes& sizes, const RecurrentGroup& group, const Body& body) {
  for (std::int64_t i = 0; i < group.count && !sizes.returns_sequence; ++i) {
    body(i, group.members[static_cast<std::size_t>(i)].example);
  }
}

}  // namespace

std::int64_t RecurrentGroup::Active(std::int64_t step) const {
  std::int64_t active = count;
  while (active > 0 && members[static_cast<std::size_t>(active - 1)].valid <= step) --active;
  return active;
}

RecurrentGroup MakeGroup(std::int64_t direction, std::int64_t first, std::int64_t last,
                         std::span<const float* const> inputs, std::int64_t length) {
  RecurrentGroup group{.direction = direction, .count = last - first};
  for (std::int64_t i = 0; i < group.count; ++i) {
    group.members[static_cast<std::size_t>(i)] = {first + i,
                                                  ValidPositions(inputs, 1, first + i, length)};
  }
  std::sort(group.members.begin(), group.members.begin() + group.count,
            [](const RecurrentGroup::Member& a, const RecurrentGroup::Member& b) {
              return a.valid != b.valid ? a.valid > b.valid : a.example < b.example;
            });
  return group;
}

std::int64_t GroupScratchFloats(const RecurrentSizes& sizes) {
  const std::int64_t rows = sizes.weight_rows();
  const auto matmul = [](std::int64_t columns) {
    return MatmulPackedScratchFloats(MatrixRef::RowMajor(nullptr, kRecurrentGroup, columns));
  };
  return kRecurrentGroup * (2 * sizes.hidden + rows) + std::max(matmul(sizes.hidden), matmul(rows));
}

AllGateColumns::AllGateColumns(const RecurrentSizes& sizes)
    : pieces{{{0, 0, (sizes.is_lstm ? 4 : 2) * sizes.hidden},
              {3 * sizes.hidden, 2 * sizes.hidden, sizes.hidden}}},
      count(sizes.is_lstm ? 1 : 2) {}

void RunSteps(const RecurrentSizes& sizes, const RecurrentGroup& group, const ForwardSteps& steps,
              float* scratch_floats) {
  const std::int64_t hidden = sizes.hidden;
  const std::int64_t rows = sizes.weight_rows();
  const std::int64_t stride = steps.is_saved ? sizes.saved() : sizes.gates();
  const Scratch scratch(sizes, group, scratch_floats);
  for (std::int64_t step = 0; step < group.steps(); ++step) {
    const std::int64_t active = group.Active(step);
    MatmulPacked(MatrixRef::RowMajor(scratch.state, active, hidden), steps.packed_weight, rows,
                 scratch.products, rows, {.column_bias = steps.bias}, scratch.matmul);
    for (std::int64_t i = 0; i < active; ++i) {
      const std::int64_t position = group.Position(i, step, sizes.length);
      float* const gates = steps.positions + position * stride;
      float* const state = scratch.state + i * hidden;
      float* const cell = scratch.cell + i * hidden;
      if (steps.is_saved) std::copy_n(state, hidden, gates + sizes.saved_state());
      if (steps.is_saved && sizes.is_lstm) std::copy_n(cell, hidden, gates + sizes.saved_cell());
      if (sizes.is_lstm) {
        LstmStep(hidden, scratch.products + i * rows, gates, cell, state);
      } else {
        GruStep(hidden, scratch.products + i * rows, gates, state);
      }
      if (!sizes.returns_sequence) continue;
      std::copy_n(state, hidden, steps.output + OutputOf(sizes, group, position));
    }
  }
  ForPadding(sizes, group, [&](std::int64_t position) {
    if (steps.is_saved) {  // for a product with gradients that are 0
      std::fill_n(steps.positions + position * stride + sizes.saved_state(), hidden, 0.0f);
    }
    if (!sizes.returns_sequence) return;
    std::fill_n(steps.output + OutputOf(sizes, group, position), hidden, 0.0f);
  });
  ForLastStates(sizes, group, [&](std::int64_t i, std::int64_t example) {
    std::copy_n(scratch.state + i * hidden, hidden, steps.output + OutputOf(sizes, group, example));
  });
}

void RunStepsBackward(const RecurrentSizes& sizes, const RecurrentGroup& group,
                      const BackwardSteps& steps, float* scratch_floats) {
  const std::int64_t hidden = sizes.hidden;
  const std::int64_t rows = sizes.weight_rows();
  const AllGateColumns columns(sizes);
  const Scratch scratch(sizes, group, scratch_floats);
  ForLastStates(sizes, group, [&](std::int64_t i, std::int64_t example) {
    std::copy_n(steps.grad_output + OutputOf(sizes, group, example), hidden,
                scratch.state + i * hidden);
  });
  for (std::int64_t step = group.steps() - 1; step >= 0; --step) {
    const std::int64_t active = group.Active(step);
    for (std::int64_t i = 0; i < active; ++i) {
      const std::int64_t position = group.Position(i, step, sizes.length);
      const float* const gates = steps.saved + position * sizes.saved();
      float* const grad_gates = steps.grads + position * sizes.gates();
      float* const grad_state = scratch.state + i * hidden;
      if (sizes.returns_sequence) {
        AddArrays(grad_state, steps.grad_output + OutputOf(sizes, group, position), hidden,
                  grad_state);
      }
      if (sizes.is_lstm) {
        LstmStepBackward(hidden, gates, gates + sizes.saved_cell(), grad_state,
                         scratch.cell + i * hidden, grad_gates);
      } else {
        GruStepBackward(hidden, gates, gates + sizes.saved_state(), grad_state, grad_gates);
      }
      for (const GateColumns& piece : columns) {
        std::copy_n(grad_gates + piece.column, piece.count,
                    scratch.products + i * rows + piece.row);
      }
    }
    if (step == 0) break;
    MatmulPacked(MatrixRef::RowMajor(scratch.products, active, rows), steps.packed_weight, hidden,
                 scratch.state, hidden, {.accumulate = true}, scratch.matmul);
  }
  ForPadding(sizes, group, [&](std::int64_t position) {
    std::fill_n(steps.grads + position * sizes.gates(), sizes.gates(), 0.0f);
  });
}

}  // namespace espalier
