// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/strided_product.h"

#include "kernels/dispatch.h"
#include "kernels/matmul/matmul_block.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul/strided_product.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/matmul/matmul_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

void MultiplyStridedTiles(const TiledProduct& product) {
  MultiplyTiles<StridedRows, FloatColumns>(product);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void MultiplyStridedRows(const TiledProduct& product) {
  ESPALIER_KERNEL(MultiplyStridedTiles)(product);
}

void MultiplyStrided(const StridedProduct& product) {
  const auto multiply = product.is_bf16 ? MultiplyBf16Rows : MultiplyStridedRows;
  multiply({.a = product.a,
            .a_row_stride = product.row_stride,
            .a_k_stride = 1,
            .rows = product.rows,
            .segments = product.segments,
            .segment_stride = product.segment_stride,
            .depth = product.segment_depth,
            .b = product.packed_b,
            .b_stride = 0,
            .packed_depth = product.packed_depth,
            .first_k = product.first_k,
            .next_b = product.next_b,
            .columns = product.columns,
            .c = product.c,
            .c_stride = product.c_stride,
            .epilogue = product.epilogue,
            .is_first = product.is_first,
            .is_last = product.is_last});
}

}  // namespace espalier
#endif  // HWY_ONCE
