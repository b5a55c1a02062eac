// SPDX-License-Identifier: Apache-2.0
#include "training/late_gradients.h"

#include <algorithm>
#include <cmath>

#include "kernels/blas.h"
#include "kernels/matmul.h"
#include "kernels/reduction.h"

namespace espalier {
namespace {

// No element of Gᵀ·X, nor a part of its sum, exceeds |G|·|X| (Cauchy and Schwarz). False for
// operands that are not finite.
bool IsSurelySmall(const WeightGradient& product) {
  constexpr double kMost = 1e18;  // its square is far below float's greatest
  const double gradients = SumOfSquares(product.gradients, product.examples * product.rows);
  const double inputs = SumOfSquares(product.inputs, product.examples * product.columns);
  return std::sqrt(gradients) * std::sqrt(inputs) < kMost;
}

}  // namespace

bool LateGradients::Begin(std::int64_t batch) {
  for (LateGradient& gradient : gradients_) gradient.product.examples = batch;
  return batch <= kMostGradientExamples &&
         std::all_of(gradients_.begin(), gradients_.end(),
                     [](const LateGradient& gradient) { return IsSurelySmall(gradient.product); });
}

void LateGradients::Store(Workspace& workspace) const {
  for (const LateGradient& gradient : gradients_) {
    const WeightGradient& product = gradient.product;
    const auto gradients = MatrixRef::RowMajor(product.gradients, product.examples, product.rows);
    const auto inputs = MatrixRef::RowMajor(product.inputs, product.examples, product.columns);
    TrainingMatmul(gradients.Transposed(), inputs, gradient.stored, product.columns, {}, workspace);
  }
}

std::int64_t LateGradients::ScratchFloats(std::int64_t batch) const {
  std::int64_t floats = 0;
  for (const LateGradient& gradient : gradients_) {
    floats = std::max({floats, WeightGradientScratchFloats(),
                       ParallelMatmulScratchFloats(batch, gradient.product.columns)});
  }
  return floats;
}

}  // namespace espalier
