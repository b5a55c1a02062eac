// SPDX-License-Identifier: Apache-2.0

// Transposition of blocks of 4 x 4 floats in registers.

#if defined(ESPALIER_KERNELS_COPIES_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_COPIES_TRANSPOSE_INL_H_
#undef ESPALIER_KERNELS_COPIES_TRANSPOSE_INL_H_
#else
#define ESPALIER_KERNELS_COPIES_TRANSPOSE_INL_H_
#endif

#include <cstdint>

#include "kernels/dispatch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// rows[r] holds row r of a 4 x 4 block in each 128 bits; columns come out in the same places.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void TransposeBlocks(D d, const V (&rows)[4], V (&columns)[4]) {
  const hn::Repartition<double, D> pairs;
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, rows[0], rows[1]));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, rows[2], rows[3]));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, rows[0], rows[1]));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, rows[2], rows[3]));
  columns[0] = hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23));
  columns[1] = hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23));
  columns[2] = hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23));
  columns[3] = hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23));
}

// to[j * to_stride + i] = from[i * from_stride + j] for i, j < 4.
HWY_INLINE void Transpose4x4(const float* HWY_RESTRICT from, std::int64_t from_stride,
                             float* HWY_RESTRICT to, std::int64_t to_stride) {
  const hn::FixedTag<float, 4> d;
  const hn::Vec<decltype(d)> rows[4] = {hn::LoadU(d, from), hn::LoadU(d, from + from_stride),
                                        hn::LoadU(d, from + 2 * from_stride),
                                        hn::LoadU(d, from + 3 * from_stride)};
  hn::Vec<decltype(d)> columns[4];
  TransposeBlocks(d, rows, columns);
  HWY_UNROLL(4)
  for (int i = 0; i < 4; ++i) hn::StoreU(columns[i], d, to + i * to_stride);
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_COPIES_TRANSPOSE_INL_H_
