// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/labelled_product.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul/labelled_product.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vectors/partial-inl.h"
#include "kernels/copies/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Products of one row of x that run side by side, each in a lane.
struct Group {
  const float* x = nullptr;
  const std::int32_t* columns = nullptr;
  std::size_t count = 0;
  float* results = nullptr;
};

// Four floats from `k` on of every fourth row, side by side in blocks.
template <class D>
HWY_INLINE hn::Vec<D> LoadBlocks(D d, const float* const* rows, std::int64_t k) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return hn::LoadU(d, rows[0] + k);
  } else {
    const hn::Half<D> half;
    constexpr std::size_t kHalf = hn::MaxLanes(hn::Half<D>());
    return hn::Combine(d, LoadBlocks(half, rows + kHalf, k), LoadBlocks(half, rows, k));
  }
}

// Up to Lanes(d) products, each in a lane of its own: only so can all of them run through
// the depth as a single chain, in order. The rows of weights are transposed on the way,
// 4 × 4 at a time. (Two groups at once gain nothing: the loads are the limit.)
template <class D>
void MultiplyGroup(D d, const Group& group, const float* weights, const float* biases,
                   std::int64_t depth) {
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  const float* const x = group.x;
  const float* rows[kLanes];
  HWY_ALIGN float gathered[kLanes];
  for (std::size_t e = 0; e < kLanes; ++e) {
    // A lane without entry repeats one.
    const std::int64_t column = group.columns[e < group.count ? e : 0];
    rows[e] = weights + column * depth;
    gathered[e] = biases[column];
  }
  auto sum = hn::Add(hn::Zero(d), hn::Load(d, gathered));
  std::int64_t k = 0;
  for (; k + 4 <= depth; k += 4) {
    const hn::Vec<D> blocks[4] = {LoadBlocks(d, rows, k), LoadBlocks(d, rows + 1, k),
                                  LoadBlocks(d, rows + 2, k), LoadBlocks(d, rows + 3, k)};
    hn::Vec<D> columns[4];
    TransposeBlocks(d, blocks, columns);
    HWY_UNROLL(4)
    for (int i = 0; i < 4; ++i) sum = hn::MulAdd(hn::Set(d, x[k + i]), columns[i], sum);
  }
  for (; k < depth; ++k) {
    for (std::size_t e = 0; e < kLanes; ++e) gathered[e] = rows[e][k];
    sum = hn::MulAdd(hn::Set(d, x[k]), hn::Load(d, gathered), sum);
  }
  StoreFirst(sum, d, group.results, group.count);
}

void LabelledProductsKernel(const LabelledRows& rows, const float* weights, const float* biases,
                            std::int64_t depth, float* results) {
  const hn::CappedTag<float, 16> d16;
  const hn::CappedTag<float, 8> d8;
  const hn::CappedTag<float, 4> d4;
  for (std::int64_t row = 0; row < rows.count; ++row) {
    std::int32_t e = rows.begins[row * rows.begins_stride];
    const std::int32_t end = rows.begins[(row + 1) * rows.begins_stride];
    while (e < end) {
      const auto n = HWY_MIN(hn::Lanes(d16), static_cast<std::size_t>(end - e));
      const Group group{rows.x + row * depth, rows.columns + e, n, results + e};
      // Half a vector costs half as much.
      if (n <= hn::Lanes(d4)) {
        MultiplyGroup(d4, group, weights, biases, depth);
      } else if (n <= hn::Lanes(d8)) {
        MultiplyGroup(d8, group, weights, biases, depth);
      } else {
        MultiplyGroup(d16, group, weights, biases, depth);
      }
      e += static_cast<std::int32_t>(n);
    }
  }
}

// kVectors chains at once hide the latency of the multiply-adds.
template <int kVectors>
HWY_INLINE void CombineVectors(const float* matrix, std::int64_t width, const std::int32_t* rows,
                               const float* factors, std::size_t count, float* result) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<decltype(d)> sums[kVectors];
  HWY_UNROLL(8)
  for (int v = 0; v < kVectors; ++v) sums[v] = hn::Zero(d);
  for (std::size_t e = 0; e < count; ++e) {
    const float* row = matrix + rows[e] * width;
    const auto factor = hn::Set(d, factors[e]);
    HWY_UNROLL(8)
    for (int v = 0; v < kVectors; ++v) {
      sums[v] =
          hn::MulAdd(factor, hn::LoadU(d, row + static_cast<std::size_t>(v) * lanes), sums[v]);
    }
  }
  HWY_UNROLL(8)
  for (int v = 0; v < kVectors; ++v) {
    hn::StoreU(sums[v], d, result + static_cast<std::size_t>(v) * lanes);
  }
}

void CombineRowsKernel(const float* matrix, std::int64_t width, const std::int32_t* rows,
                       const float* factors, std::size_t count, float* result) {
  constexpr int kVectors = 8;
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + kVectors * lanes <= width; i += kVectors * lanes) {
    CombineVectors<kVectors>(matrix + i, width, rows, factors, count, result + i);
  }
  for (; i + lanes <= width; i += lanes) {
    CombineVectors<1>(matrix + i, width, rows, factors, count, result + i);
  }
  if (i == width) return;
  const auto rest = static_cast<std::size_t>(width - i);
  auto sum = hn::Zero(d);
  for (std::size_t e = 0; e < count; ++e) {
    const auto values = hn::LoadN(d, matrix + rows[e] * width + i, rest);
    sum = hn::MulAdd(hn::Set(d, factors[e]), values, sum);
  }
  hn::StoreN(sum, d, result + i, rest);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void LabelledProducts(const LabelledRows& rows, const float* weights, const float* biases,
                      std::int64_t depth, float* results) {
  ESPALIER_KERNEL(LabelledProductsKernel)(rows, weights, biases, depth, results);
}

void CombineRows(const float* matrix, std::int64_t width, const std::int32_t* rows,
                 const float* factors, std::int64_t count, float* result) {
  ESPALIER_KERNEL(CombineRowsKernel)
  (matrix, width, rows, factors, static_cast<std::size_t>(count), result);
}

}  // namespace espalier
#endif  // HWY_ONCE
