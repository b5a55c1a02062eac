// SPDX-License-Identifier: Apache-2.0
#include "layers/recurrent_group.h"

#include "kernels/elementwise/elementwise.h"
#include "kernels/matmul/matmul.h"

namespace espalier {
namespace {

// For each member h and c, or their gradients; its products, or the gradients of these; then what
// the products need. A GRU has no c: where it resets before, r ⊙ h is there, or its gradient.
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
  std::int64_t matmul =
      MatmulPackedScratchFloats(MatrixRef::RowMajor(nullptr, kRecurrentGroup, sizes.hidden));
  for (const WeightRows& piece : StateProducts(sizes)) {
    const MatrixRef grads{nullptr, kRecurrentGroup, piece.count, rows, 1};
    matmul = std::max(matmul, MatmulPackedScratchFloats(grads));
  }
  return kRecurrentGroup * (2 * sizes.hidden + rows) + matmul;
}

StateProducts::StateProducts(const RecurrentSizes& sizes)
    : pieces{{{0, sizes.resets_before ? 2 * sizes.hidden : sizes.weight_rows()},
              {2 * sizes.hidden, sizes.hidden}}},
      count(sizes.resets_before ? 2 : 1) {}

AllGateColumns::AllGateColumns(const RecurrentSizes& sizes)
    : pieces{{{0, 0, (sizes.is_lstm ? 4 : 2) * sizes.hidden, sizes.saved_state()},
              {3 * sizes.hidden, 2 * sizes.hidden, sizes.hidden, sizes.saved_state()}}},
      count(sizes.is_lstm ? 1 : 2) {
  if (!sizes.resets_before) return;
  pieces[1].column = 2 * sizes.hidden;  // of s_n as of x_n
  pieces[1].factor = sizes.saved_reset();
}

void RunSteps(const RecurrentSizes& sizes, const RecurrentGroup& group, const ForwardSteps& steps,
              float* scratch_floats) {
  const std::int64_t hidden = sizes.hidden;
  const std::int64_t rows = sizes.weight_rows();
  const std::int64_t stride = steps.is_saved ? sizes.saved() : sizes.gates();
  const Scratch scratch(sizes, group, scratch_floats);
  const std::int64_t product_rows = StateProducts(sizes).begin()->count;
  const float* const candidate_bias = steps.bias == nullptr ? nullptr : steps.bias + product_rows;
  const auto gates_of = [&](std::int64_t i, std::int64_t step) {
    return steps.positions + group.Position(i, step, sizes.length) * stride;
  };
  for (std::int64_t step = 0; step < group.steps(); ++step) {
    const std::int64_t active = group.Active(step);
    MatmulPacked(MatrixRef::RowMajor(scratch.state, active, hidden), steps.packed_weight,
                 product_rows, scratch.products, rows, {.column_bias = steps.bias}, scratch.matmul);
    for (std::int64_t i = 0; i < active; ++i) {
      float* const gates = gates_of(i, step);
      float* const state = scratch.state + i * hidden;
      float* const cell = scratch.cell + i * hidden;
      if (steps.is_saved) std::copy_n(state, hidden, gates + sizes.saved_state());
      if (steps.is_saved && sizes.is_lstm) std::copy_n(cell, hidden, gates + sizes.saved_cell());
      if (sizes.is_lstm) {
        LstmStep(hidden, scratch.products + i * rows, gates, cell, state);
      } else if (sizes.resets_before) {
        GruReset(hidden, scratch.products + i * rows, state, gates, cell);
      } else {
        GruStep(hidden, scratch.products + i * rows, gates, state);
      }
    }
    if (sizes.resets_before) {
      MatmulPacked(MatrixRef::RowMajor(scratch.cell, active, hidden),
                   steps.packed_weight + PackedFloats(hidden, product_rows), hidden,
                   scratch.products, rows, {.column_bias = candidate_bias}, scratch.matmul);
      for (std::int64_t i = 0; i < active; ++i) {
        GruCandidate(hidden, scratch.products + i * rows, gates_of(i, step),
                     scratch.state + i * hidden);
      }
    }
    for (std::int64_t i = 0; i < active && sizes.returns_sequence; ++i) {
      const std::int64_t position = group.Position(i, step, sizes.length);
      std::copy_n(scratch.state + i * hidden, hidden,
                  steps.output + OutputOf(sizes, group, position));
    }
  }
  ForPadding(sizes, group, [&](std::int64_t position) {
    if (steps.is_saved) {  // for products with gradients that are 0
      for (const GateColumns& piece : AllGateColumns(sizes)) {
        std::fill_n(steps.positions + position * stride + piece.factor, hidden, 0.0f);
      }
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
  const std::int64_t product_rows = StateProducts(sizes).begin()->count;
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
      } else if (sizes.resets_before) {
        GruCandidateBackward(hidden, gates, gates + sizes.saved_state(), grad_state, grad_gates);
      } else {
        GruStepBackward(hidden, gates, gates + sizes.saved_state(), grad_state, grad_gates);
      }
      for (const GateColumns& piece : columns) {
        std::copy_n(grad_gates + piece.column, piece.count,
                    scratch.products + i * rows + piece.row);
      }
    }
    if (sizes.resets_before) {
      MatmulPacked({scratch.products + product_rows, active, hidden, rows, 1},
                   steps.packed_weight + PackedFloats(product_rows, hidden), hidden, scratch.cell,
                   hidden, {}, scratch.matmul);
      for (std::int64_t i = 0; i < active; ++i) {
        const std::int64_t position = group.Position(i, step, sizes.length);
        const float* const gates = steps.saved + position * sizes.saved();
        float* const grad_gates = steps.grads + position * sizes.gates();
        GruResetBackward(hidden, gates, gates + sizes.saved_state(), scratch.cell + i * hidden,
                         scratch.state + i * hidden, grad_gates);
        std::copy_n(grad_gates, hidden, scratch.products + i * rows);
      }
    }
    if (step == 0) break;
    MatmulPacked({scratch.products, active, product_rows, rows, 1}, steps.packed_weight, hidden,
                 scratch.state, hidden, {.accumulate = true}, scratch.matmul);
  }
  ForPadding(sizes, group, [&](std::int64_t position) {
    std::fill_n(steps.grads + position * sizes.gates(), sizes.gates(), 0.0f);
  });
}

}  // namespace espalier
