// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/matmul_bf16.h"

#include <algorithm>
#include <bit>

#include "core/cpu.h"
#include "kernels/dispatch.h"
#include "kernels/matmul/matmul_block.h"
#include "kernels/matmul/matmul_panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul/matmul_bf16.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/matmul/matmul_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

void MultiplyBf16(const TiledProduct& product) { MultiplyTiles<StridedRows, Bf16Columns>(product); }

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void MultiplyBf16Rows(const TiledProduct& product) { ESPALIER_KERNEL(MultiplyBf16)(product); }

namespace {

void MultiplyRows(const MatrixRef& a, const std::uint32_t* packed_b, std::int64_t n, float* c,
                  std::int64_t c_stride, const Epilogue& epilogue, PanelOrder order) {
  if (a.rows <= 0 || n <= 0) return;
  MultiplyBf16Rows({.a = a.data,
                    .a_row_stride = a.row_stride,
                    .a_k_stride = 1,
                    .rows = a.rows,
                    .segments = 1,
                    .segment_stride = 0,
                    .depth = a.columns,
                    .b = reinterpret_cast<const float*>(packed_b),
                    .b_stride = 0,
                    .packed_depth = a.columns,
                    .first_k = 0,
                    .columns = n,
                    .c = c,
                    .c_stride = c_stride,
                    .epilogue = &epilogue,
                    .is_first = true,
                    .is_last = true,
                    .order = order});
}

}  // namespace

std::uint16_t ToBf16(float value) {
  constexpr std::uint32_t kQuiet = 0x40;  // a NaN whose upper half would be an infinity's
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t upper = bits >> 16;
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<std::uint16_t>(upper | kQuiet);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + (upper & 1u)) >> 16);
}

std::int64_t PackedBf16Words(std::int64_t k, std::int64_t n) {
  const TileShape tile = ActiveTileShape();
  return k * (RoundUp(n, tile.columns) / tile.columns) * tile.lanes;
}

void PackBf16(const MatrixRef& b, std::uint32_t* packed) { PackBf16Rows(b, b.rows, 0, packed); }

void PackBf16Rows(const MatrixRef& b, std::int64_t packed_depth, std::int64_t first_k,
                  std::uint32_t* packed) {
  const TileShape tile = ActiveTileShape();
  for (std::int64_t first = 0; first < b.columns; first += tile.columns) {
    std::uint32_t* to = packed + (first / tile.columns * packed_depth + first_k) * tile.lanes;
    for (std::int64_t k = 0; k < b.rows; ++k) {
      const auto at = [&](std::int64_t column) -> std::uint32_t {
        return column < b.columns ? ToBf16(b.data[k * b.row_stride + column * b.column_stride]) : 0;
      };
      for (std::int64_t lane = 0; lane < tile.lanes; ++lane) {
        *to++ = at(first + lane) | at(first + tile.lanes + lane) << 16;
      }
    }
  }
}

void ParallelMatmulBf16(const MatrixRef& a, const std::uint32_t* packed_b, std::int64_t n, float* c,
                        std::int64_t c_stride, const Epilogue& epilogue, Workspace& workspace,
                        PanelOrder order) {
  const std::int64_t panel_words = ActiveTileShape().lanes * a.columns;
  ShareProduct(a, n, c, c_stride, epilogue, workspace,
               [&](const MatrixRef& rows, std::int64_t panel, std::int64_t columns, float* to,
                   const Epilogue& part, float* /*scratch*/) {
                 MultiplyRows(rows, packed_b + panel * panel_words, columns, to, c_stride, part,
                              order);
               });
}

}  // namespace espalier
#endif  // HWY_ONCE
