// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "kernels/dispatch.h"
#include "kernels/matmul/matmul_block.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul/matmul_pack.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/matmul/matmul_tile-inl.h"
#include "kernels/copies/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// to[k * to_stride + r] = from[r * from_stride + k] for r < kLanes, k < 4.
HWY_INLINE void TransposeLanes(const float* HWY_RESTRICT from, std::int64_t from_stride,
                               float* HWY_RESTRICT to, std::int64_t to_stride) {
  const TileTag d;
  TileVector rows[4];
  HWY_UNROLL(4)
  for (int r = 0; r < 4; ++r) {
    const float* row = from + r * from_stride;
    rows[r] = hn::LoadDup128(d, row);
    HWY_UNROLL(4)
    for (int lane = 4; lane < kLanes; lane += 4) {
      const auto is_before = hn::FirstN(d, static_cast<std::size_t>(lane));
      rows[r] = hn::IfThenElse(is_before, rows[r], hn::LoadDup128(d, row + lane * from_stride));
    }
  }
  TileVector columns[4];
  TransposeBlocks(d, rows, columns);
  HWY_UNROLL(4)
  for (int k = 0; k < 4; ++k) hn::StoreU(columns[k], d, to + k * to_stride);
}

// dst[k * width + r] = src[r * stride + k]. Some rows by 4 at a time, 16 k together so that
// each cache line of a row is read in one go even where all rows fall into the same cache set.
void TransposeInto(const float* HWY_RESTRICT src, std::int64_t stride, std::int64_t rows,
                   std::int64_t depth, float* HWY_RESTRICT dst, std::int64_t width) {
  constexpr std::int64_t kLine = 16;
  const std::int64_t even_depth = rows >= 4 ? depth / 4 * 4 : 0;
  for (std::int64_t k0 = 0; k0 < even_depth; k0 += kLine) {
    const std::int64_t k_end = std::min(even_depth, k0 + kLine);
    std::int64_t r = 0;
    for (; r + kLanes <= rows; r += kLanes) {
      for (std::int64_t k = k0; k < k_end; k += 4) {
        TransposeLanes(src + r * stride + k, stride, dst + k * width + r, width);
      }
    }
    for (; r < rows; r += 4) {
      // The last four rows may overlap those before: the same values once more.
      const std::int64_t begin = std::min(r, rows - 4);
      for (std::int64_t k = k0; k < k_end; k += 4) {
        Transpose4x4(src + begin * stride + k, stride, dst + k * width + begin, width);
      }
    }
  }
  for (std::int64_t k = even_depth; k < depth; ++k) {
    for (std::int64_t r = 0; r < rows; ++r) dst[k * width + r] = src[r * stride + k];
  }
}

// Copies one row of `count` floats and fills up with zeros to `width`, a multiple of kLanes.
HWY_INLINE void CopyRow(const float* HWY_RESTRICT src, std::int64_t count, std::int64_t width,
                        float* HWY_RESTRICT dst) {
  const TileTag d;
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) hn::StoreU(hn::LoadU(d, src + i), d, dst + i);
  if (i < width) {
    hn::StoreU(hn::LoadN(d, src + i, static_cast<std::size_t>(count - i)), d, dst + i);
  }
}

// B whose rows are contiguous: row by row, as the memory likes to be read.
void PackContiguousRows(const MatrixRef& b, float* HWY_RESTRICT packed) {
  constexpr std::int64_t kAhead = 4;  // rows; where they are far apart nothing foresees them
  for (std::int64_t k = 0; k < b.rows; ++k) {
    const float* src = b.data + k * b.row_stride;
    const float* next = k + kAhead < b.rows ? src + kAhead * b.row_stride : src;
    float* to = packed + k * kPanelColumns;
    std::int64_t j = 0;
    for (; j + kPanelColumns <= b.columns; j += kPanelColumns) {
      __builtin_prefetch(next + j);
      if (kPanelColumns > 16) __builtin_prefetch(next + j + 16);
      CopyRow(src + j, kPanelColumns, kPanelColumns, to);
      to += b.rows * kPanelColumns;
    }
    if (j < b.columns) {
      const std::int64_t count = b.columns - j;
      const std::int64_t width = (count + kLanes - 1) / kLanes * kLanes;
      CopyRow(src + j, count, width, to - k * (kPanelColumns - width));
    }
  }
}

void PackColumns(const MatrixRef& b, float* HWY_RESTRICT packed) {
  if (b.rows == 0) return;  // its data may be null
  if (b.column_stride == 1) {
    PackContiguousRows(b, packed);
    return;
  }
  for (std::int64_t j = 0; j < b.columns; j += kPanelColumns) {
    const std::int64_t count = std::min<std::int64_t>(kPanelColumns, b.columns - j);
    const std::int64_t width = (count + kLanes - 1) / kLanes * kLanes;
    const float* src = b.data + j * b.column_stride;
    if (count < width) {
      std::memset(packed, 0, static_cast<std::size_t>(b.rows * width) * sizeof(float));
    }
    if (b.row_stride == 1) {
      TransposeInto(src, b.column_stride, count, b.rows, packed, width);
    } else {
      for (std::int64_t k = 0; k < b.rows; ++k) {
        for (std::int64_t i = 0; i < count; ++i) {
          packed[k * width + i] = src[k * b.row_stride + i * b.column_stride];
        }
      }
    }
    packed += b.rows * width;
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void Transpose(const float* from, std::int64_t from_stride, std::int64_t rows, std::int64_t columns,
               float* to, std::int64_t to_stride) {
  ESPALIER_KERNEL(TransposeInto)(from, from_stride, rows, columns, to, to_stride);
}

void PackB(const MatrixRef& b, float* packed) { ESPALIER_KERNEL(PackColumns)(b, packed); }

}  // namespace espalier
#endif  // HWY_ONCE
