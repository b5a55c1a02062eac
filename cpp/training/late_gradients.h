// SPDX-License-Identifier: Apache-2.0
#pragma once

// Gradients of weights that are computed only where they are used. What they are computed from is
// kept until all other gradients are known, so that a step which is not finite can still be
// refused before anything has changed: that these will be finite can be told without them.

#include <cstdint>
#include <span>
#include <vector>

#include "core/thread_pool.h"
#include "kernels/weight_gradient.h"

namespace espalier {

struct LateGradient {
  int parameter = 0;       // in ParameterUpdates
  WeightGradient product;  // of a whole batch; its examples are the present step's
  float* stored = nullptr;
};

class LateGradients {
 public:
  void Add(const LateGradient& gradient) { gradients_.push_back(gradient); }

  /// Begins a step. True if all can be taken piece by piece: cheaper, and surely finite with
  /// squares that no sum loses.
  bool Begin(std::int64_t batch);

  /// Computes all to where they are stored, as other gradients.
  void Store(Workspace& workspace) const;

  std::span<const LateGradient> gradients() const { return gradients_; }

  /// Scratch floats per worker that Store and the pieces need, at most `batch` examples.
  std::int64_t ScratchFloats(std::int64_t batch) const;

 private:
  std::vector<LateGradient> gradients_;
};

}  // namespace espalier
