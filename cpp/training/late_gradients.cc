// SPDX-License-Identifier: Apache-2.0
#include "training/late_gradients.h"

#include <algorithm>
#include <cmath>

#include "kernels/reductions/reduction.h"

namespace espalier {
namespace {

constexpr double kSmall = 1e18;  // its square is far below float's greatest

// No element of Gᵀ·X, nor a part of its sum, exceeds |G|·|X| (Cauchy and Schwarz). Not finite for
// operands that are not.
double MostOf(const WeightGradient& product) {
  const double gradients = SumOfSquares(product.gradients, product.examples * product.rows);
  const double inputs = SumOfSquares(product.inputs, product.examples * product.columns);
  return std::sqrt(gradients) * std::sqrt(inputs);
}

}  // namespace

bool LateGradients::Begin(std::int64_t batch) {
  for (LateGradient& gradient : gradients_) gradient.product.examples = batch;
  most_ = 0.0;
  return std::all_of(gradients_.begin(), gradients_.end(), [this](const LateGradient& gradient) {
    const double most = MostOf(gradient.product);
    most_ = std::max(most_, most);
    return most < kSmall;  // false for NaN
  });
}

double LateGradients::SumOfSquares(std::span<double> sums, Workspace& workspace) const {
  double sum = 0.0;
  for (const LateGradient& gradient : gradients_) {
    const std::int64_t tasks = WeightGradientTasks(gradient.product);
    workspace.ParallelFor(tasks, [&](std::int64_t task, std::span<float> scratch) {
      double& squares = sums[static_cast<std::size_t>(task)];
      squares = 0.0;
      ForGradientPieces(gradient.product, task, scratch.data(),
                        [&](const GradientPiece& piece) { squares += piece.squares; });
    });
    for (std::int64_t task = 0; task < tasks; ++task) sum += sums[static_cast<std::size_t>(task)];
  }
  return sum;
}

std::int64_t LateGradients::ScratchFloats() const {
  return gradients_.empty() ? 0 : WeightGradientScratchFloats();
}

}  // namespace espalier
