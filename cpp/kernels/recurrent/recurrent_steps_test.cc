// SPDX-License-Identifier: Apache-2.0
#include "kernels/recurrent/recurrent_steps.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "testing/normal_floats.h"
#include "testing/special_values.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;

double Sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// A step forward and back, all arrays next to a guard.
struct Problem {
  Problem(bool is_lstm_in, std::size_t hidden_in, GuardSide side)
      : is_lstm(is_lstm_in),
        hidden(hidden_in),
        recurrent(Floats((is_lstm ? 4u : 3u) * hidden, 1), side),
        gates(Floats(4 * hidden, 2), side),
        cell(Floats(hidden, 3), side),
        state(Floats(hidden, 4), side),
        grad_state(Floats(hidden, 5), side),
        grad_cell(Floats(hidden, 6), side),
        grad_gates(4 * hidden, side),
        x(gates.ToVector()),
        cell_before(cell.ToVector()),
        state_before(state.ToVector()),
        grad_h(grad_state.ToVector()),
        grad_c(grad_cell.ToVector()) {}

  static std::vector<float> Floats(std::size_t size, std::uint32_t stream) {
    return testing::NormalFloats(size, {.seed = 71, .index = stream});
  }

  void Run() {
    const auto count = static_cast<std::int64_t>(hidden);
    if (is_lstm) {
      GuardedFloats before(cell_before);
      LstmStep(count, recurrent.data(), gates.data(), cell.data(), state.data());
      LstmStepBackward(count, gates.data(), before.data(), grad_state.data(), grad_cell.data(),
                       grad_gates.data());
    } else {
      GuardedFloats before(state_before);
      GruStep(count, recurrent.data(), gates.data(), state.data());
      GruStepBackward(count, gates.data(), before.data(), grad_state.data(), grad_gates.data());
    }
  }

  // Element j of gate `index`: the product of the input, and that of the state.
  double X(std::size_t index, std::size_t j) const { return x[index * hidden + j]; }
  double S(std::size_t index, std::size_t j) const { return recurrent.data()[index * hidden + j]; }

  bool is_lstm;
  std::size_t hidden;
  GuardedFloats recurrent, gates, cell, state, grad_state, grad_cell, grad_gates;
  std::vector<float> x, cell_before, state_before, grad_h, grad_c;
};

// What all arrays hold at one element afterwards.
struct Expected {
  std::array<double, 4> gates, grad_gates;
  double state, cell, grad_state, grad_cell;
};

Expected LstmAt(const Problem& p, std::size_t j) {
  const auto sum = [&](std::size_t gate) { return p.X(gate, j) + p.S(gate, j); };
  const double i = Sigmoid(sum(0));
  const double f = Sigmoid(sum(1));
  const double g = std::tanh(sum(2));
  const double o = Sigmoid(sum(3));
  const double before = p.cell_before[j];
  const double cell = f * before + i * g;
  const double t = std::tanh(cell);
  const double grad_h = p.grad_h[j];
  const double grad_c = p.grad_c[j] + grad_h * o * (1 - t * t);
  return {.gates = {i, f, g, o},
          .grad_gates = {grad_c * g * i * (1 - i), grad_c * before * f * (1 - f),
                         grad_c * i * (1 - g * g), grad_h * t * o * (1 - o)},
          .state = o * t,
          .cell = cell,
          .grad_state = 0.0,
          .grad_cell = grad_c * f};
}

Expected GruAt(const Problem& p, std::size_t j) {
  const double r = Sigmoid(p.X(0, j) + p.S(0, j));
  const double z = Sigmoid(p.X(1, j) + p.S(1, j));
  const double n = std::tanh(p.X(2, j) + r * p.S(2, j));
  const double before = p.state_before[j];
  const double grad_h = p.grad_h[j];
  const double grad_n = grad_h * (1 - z) * (1 - n * n);
  return {.gates = {r, z, n, p.S(2, j)},
          .grad_gates = {grad_n * p.S(2, j) * r * (1 - r), grad_h * (before - n) * z * (1 - z),
                         grad_n, grad_n * r},
          .state = (1 - z) * n + z * before,
          .cell = p.cell_before[j],  // a GRU has none
          .grad_state = grad_h * z,
          .grad_cell = p.grad_c[j]};
}

TEST(RecurrentSteps, EqualTheFormulaAtEveryLength) {
  testing::ForEachGuardedLength([](std::size_t hidden, GuardSide side) {
    for (const bool is_lstm : {true, false}) {
      Problem p(is_lstm, hidden, side);
      p.Run();
      for (std::size_t j = 0; j < hidden; ++j) {
        const Expected expected = is_lstm ? LstmAt(p, j) : GruAt(p, j);
        const auto check = [&](float got, double value, const char* what) {
          EXPECT_TRUE(testing::IsClose(got, value, 2e-6, 1e-6))
              << what << " " << j << ": " << got << ", expected " << value;
        };
        for (std::size_t gate = 0; gate < 4; ++gate) {
          check(p.gates.data()[gate * hidden + j], expected.gates[gate], "gate");
          check(p.grad_gates.data()[gate * hidden + j], expected.grad_gates[gate], "gradient");
        }
        check(p.state.data()[j], expected.state, "state");
        check(p.cell.data()[j], expected.cell, "cell");
        check(p.grad_state.data()[j], expected.grad_state, "gradient of the state");
        check(p.grad_cell.data()[j], expected.grad_cell, "gradient of the cell");
      }
    }
  });
}

// The halves of a step of a GRU that resets before, forward and back.
TEST(RecurrentSteps, ResetsBeforeByTheFormulaAtEveryLength) {
  testing::ForEachGuardedLength([](std::size_t hidden, GuardSide side) {
    Problem p(false, hidden, side);
    const auto count = static_cast<std::int64_t>(hidden);
    const GuardedFloats candidate(Problem::Floats(hidden, 7), side);
    const GuardedFloats grad_reset(Problem::Floats(hidden, 8), side);
    const GuardedFloats before(p.state_before, side);
    GuardedFloats reset(hidden, side);
    GruReset(count, p.recurrent.data(), before.data(), p.gates.data(), reset.data());
    GruCandidate(count, candidate.data(), p.gates.data(), p.state.data());
    GruCandidateBackward(count, p.gates.data(), before.data(), p.grad_state.data(),
                         p.grad_gates.data());
    GruResetBackward(count, p.gates.data(), before.data(), grad_reset.data(), p.grad_state.data(),
                     p.grad_gates.data());
    for (std::size_t j = 0; j < hidden; ++j) {
      const double r = Sigmoid(p.X(0, j) + p.S(0, j));
      const double z = Sigmoid(p.X(1, j) + p.S(1, j));
      const double n = std::tanh(p.X(2, j) + candidate.data()[j]);
      const double h = p.state_before[j];
      const double grad_h = p.grad_h[j];
      const double grad_rh = grad_reset.data()[j];
      const std::array<double, 4> gates = {r, z, n, r * h};
      const std::array<double, 4> grad_gates = {grad_rh * h * r * (1 - r),
                                                grad_h * (h - n) * z * (1 - z),
                                                grad_h * (1 - z) * (1 - n * n), 0.0};
      const auto check = [&](float got, double value, const char* what) {
        EXPECT_TRUE(testing::IsClose(got, value, 2e-6, 1e-6))
            << what << " " << j << ": " << got << ", expected " << value;
      };
      for (std::size_t gate = 0; gate < 4; ++gate) {
        check(p.gates.data()[gate * hidden + j], gates[gate], "gate");
        check(p.grad_gates.data()[gate * hidden + j], grad_gates[gate], "gradient");
      }
      check(reset.data()[j], r * h, "reset state");
      check(p.state.data()[j], (1 - z) * n + z * h, "state");
      check(p.grad_state.data()[j], grad_h * z + grad_rh * r, "gradient of the state");
    }
  });
}

// Special values in every lane: what the formula gives of them, and nothing of its neighbors.
TEST(RecurrentSteps, SpecialValuesStayInTheirLane) {
  testing::ForEachGuardedLength([](std::size_t hidden, GuardSide side) {
    if (hidden == 0) return;
    for (const bool is_lstm : {true, false}) {
      for (std::size_t turn = 0; turn < testing::kSpecialFloatCount; ++turn) {
        const float special = testing::kSpecialFloats[turn];
        const std::size_t lane = (7 * turn + hidden / 2) % hidden;
        Problem plain(is_lstm, hidden, side);
        Problem p(is_lstm, hidden, side);
        p.gates.data()[lane] = special;  // of i or r
        plain.Run();
        p.Run();
        for (std::size_t j = 0; j < hidden; ++j) {
          if (j == lane) {
            EXPECT_EQ(std::isnan(p.state.data()[j]), std::isnan(special)) << special;
          } else {
            EXPECT_EQ(p.state.data()[j], plain.state.data()[j]) << special;
            EXPECT_EQ(p.grad_gates.data()[j], plain.grad_gates.data()[j]) << special;
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace espalier
