// SPDX-License-Identifier: Apache-2.0
#include "training/square_sums.h"

#include <algorithm>

#include "kernels/reductions/reduction.h"

namespace espalier {
namespace {

// So that handing a chunk to a worker is cheap beside its work.
constexpr std::size_t kChunkFloats = 65536;

}  // namespace

void SquareSums::Add(std::span<const float> floats) {
  for (; !floats.empty(); floats = floats.subspan(chunks_.back().size())) {
    chunks_.push_back(floats.first(std::min(floats.size(), kChunkFloats)));
  }
  partial_sums_ = AlignedArray<double>(static_cast<std::int64_t>(chunks_.size()));
}

template <typename Squares>
double SquareSums::SumOf(const Squares& squares, Workspace& workspace) {
  workspace.ParallelFor(
      static_cast<std::int64_t>(chunks_.size()), [&](std::int64_t index, std::span<float>) {
        const auto& chunk = chunks_[static_cast<std::size_t>(index)];
        partial_sums_[index] = squares(chunk.data(), static_cast<std::int64_t>(chunk.size()));
      });
  double sum = 0.0;
  for (const double partial : partial_sums_.span()) sum += partial;
  return sum;
}

double SquareSums::Sum(Workspace& workspace) { return SumOf(SumOfSquares, workspace); }

double SquareSums::ClampedSum(float limit, Workspace& workspace) {
  return SumOf([limit](const float* floats,
                       std::int64_t count) { return ClampedSumOfSquares(floats, count, limit); },
               workspace);
}

}  // namespace espalier
