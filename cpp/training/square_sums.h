// SPDX-License-Identifier: Apache-2.0
#pragma once

// The sum of the squares of floats that lie here and there, by tasks that their number alone
// decides: its bits do not depend on threads.

#include <cstdint>
#include <span>
#include <vector>

#include "core/memory.h"
#include "core/thread_pool.h"

namespace espalier {

class SquareSums {
 public:
  /// Also of these, which must stay where they are; the order of calls is that of the sum.
  void Add(std::span<const float> floats);

  double Sum(Workspace& workspace);

  /// The same of floats brought within [-limit, limit].
  double ClampedSum(float limit, Workspace& workspace);

  std::int64_t NativeBytes() const { return partial_sums_.bytes(); }

 private:
  template <typename Squares>
  double SumOf(const Squares& squares, Workspace& workspace);

  std::vector<std::span<const float>> chunks_;
  AlignedArray<double> partial_sums_;
};

}  // namespace espalier
