// SPDX-License-Identifier: Apache-2.0
#pragma once

// Gradients of weights that are computed only where they are used, and never stored. What they
// are computed from is kept until all other gradients are known, so that a step which is not
// finite can still be refused before anything has changed: that these will be finite can nearly
// always be told without them; else they are computed twice.

#include <cstdint>
#include <span>
#include <vector>

#include "core/thread_pool.h"
#include "kernels/matmul/weight_gradient.h"

namespace espalier {

struct LateGradient {
  int parameter = 0;       // in ParameterUpdates
  WeightGradient product;  // of a whole batch; its examples are the present step's
};

class LateGradients {
 public:
  void Add(const LateGradient& gradient) { gradients_.push_back(gradient); }

  /// Begins a step of kMostGradientExamples at most. True if all are surely finite, with squares
  /// that no sum loses.
  bool Begin(std::int64_t batch);

  /// Where Begin returned true: no element of any of them exceeds this.
  double most() const { return most_; }

  /// Of all, which are computed for that alone. `sums`: room for the tasks of the largest.
  double SumOfSquares(std::span<double> sums, Workspace& workspace) const;

  std::span<const LateGradient> gradients() const { return gradients_; }

  /// Scratch floats per worker that the pieces need.
  std::int64_t ScratchFloats() const;

 private:
  std::vector<LateGradient> gradients_;
  double most_ = 0.0;
};

}  // namespace espalier
