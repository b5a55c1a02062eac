// SPDX-License-Identifier: Apache-2.0
#include "kernels/patches.h"

#include <algorithm>
#include <cstring>

#include "kernels/dispatch.h"
#include "kernels/matmul_block.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/patches.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#ifndef ESPALIER_KERNELS_PATCHES_ONCE
#define ESPALIER_KERNELS_PATCHES_ONCE
namespace espalier {
namespace {

// Runs of neighbouring outputs in one output row: at most one per position.
struct Run {
  std::int64_t position;  // from the block's first
  std::int64_t source;    // in the padded copy, for kernel element 0
  std::int64_t count;
};

struct Runs {
  Run runs[kMostPatchPositions];
  std::int64_t count = 0;
};

// Cuts [first, first + positions) of the block where the output row changes.
void FindRuns(const PatchBlock& block, std::int64_t first, std::int64_t positions, Runs& runs) {
  const ConvolutionGeometry& geometry = *block.geometry;
  const std::int64_t width = geometry.output_width;
  const std::int64_t start = block.first_position + first;
  std::int64_t row = start / width;
  std::int64_t column = start % width;
  runs.count = 0;
  for (std::int64_t done = 0; done < positions;) {
    const std::int64_t count = std::min(width - column, positions - done);
    const std::int64_t padded_row =
        (row - block.padded_rows->first_output_row) * geometry.stride_height;
    runs.runs[runs.count++] = {first + done, padded_row * block.padded_rows->row_stride() + column,
                               count};
    done += count;
    column = 0;
    ++row;
  }
}

// Of the floats of one phase, those that stand for columns of the image.
struct PhaseRange {
  std::int64_t begin;
  std::int64_t end;
  std::int64_t first_column;  // of the image, at `begin`
};

PhaseRange FindPhaseRange(const ConvolutionGeometry& geometry, const PaddedRows& padded,
                          std::int64_t phase) {
  const std::int64_t stride = geometry.stride_width;
  // Column = i * stride + phase - pad_left, in [0, width).
  const std::int64_t low = geometry.pad_left - phase;
  const std::int64_t begin =
      std::min(padded.phase_width, low > 0 ? (low + stride - 1) / stride : 0);
  const std::int64_t high = geometry.width + geometry.pad_left - phase;
  const std::int64_t end =
      std::clamp(high > 0 ? (high + stride - 1) / stride : 0, begin, padded.phase_width);
  return {begin, end, begin * stride - low};
}

// Ranges of all phases: the usual strides' are computed once.
class PhaseRanges {
 public:
  PhaseRanges(const ConvolutionGeometry& geometry, const PaddedRows& padded)
      : geometry_(geometry), padded_(padded) {
    for (std::int64_t phase = 0; phase < std::min(kKept, padded.phases); ++phase) {
      kept_[phase] = FindPhaseRange(geometry, padded, phase);
    }
  }
  PhaseRange operator[](std::int64_t phase) const {
    return phase < kKept ? kept_[phase] : FindPhaseRange(geometry_, padded_, phase);
  }

 private:
  static constexpr std::int64_t kKept = 4;
  const ConvolutionGeometry& geometry_;
  const PaddedRows& padded_;
  PhaseRange kept_[kKept];
};

}  // namespace
}  // namespace espalier
#endif  // ESPALIER_KERNELS_PATCHES_ONCE

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));

// Writers of whole vectors: up to kLanes - 1 floats too many, which what is written next
// (or the slack at the end) makes good. Masked stores cost several times as much.
HWY_INLINE void CopyOver(const float* HWY_RESTRICT src, std::int64_t count,
                         float* HWY_RESTRICT dst) {
  const D d;
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) hn::StoreU(hn::LoadU(d, src + i), d, dst + i);
  if (i < count) {
    hn::StoreU(hn::LoadN(d, src + i, static_cast<std::size_t>(count - i)), d, dst + i);
  }
}

HWY_INLINE void ClearOver(std::int64_t count, float* dst) {
  const D d;
  for (std::int64_t i = 0; i < count; i += kLanes) hn::StoreU(hn::Zero(d), d, dst + i);
}

// Every `stride`-th float.
HWY_INLINE void GatherOver(const float* HWY_RESTRICT src, std::int64_t stride, std::int64_t count,
                           float* HWY_RESTRICT dst) {
  if (stride == 1) {
    CopyOver(src, count, dst);
    return;
  }
  std::int64_t i = 0;
  if (stride == 2) {
    // Four at a time: rows are often short. Each step reads one float more than it needs,
    // never past the last one wanted.
    const hn::FixedTag<float, 4> d4;
    for (; i + 4 < count; i += 4) {
      hn::Vec<decltype(d4)> even;
      hn::Vec<decltype(d4)> odd;
      hn::LoadInterleaved2(d4, src + 2 * i, even, odd);
      hn::StoreU(even, d4, dst + i);
    }
  }
  for (; i < count; ++i) dst[i] = src[i * stride];
}

void Pad(const ConvolutionGeometry& geometry, const PaddedRows& padded_rows, const float* image,
         std::int64_t channels, float* padded) {
  const std::int64_t stride = geometry.stride_width;
  PhaseRanges ranges(geometry, padded_rows);
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    const float* plane = image + channel * geometry.height * geometry.width;
    for (std::int64_t row = 0; row < padded_rows.rows; ++row) {
      const std::int64_t y = padded_rows.first_row + row - geometry.pad_top;
      if (y < 0 || y >= geometry.height) {
        ClearOver(padded_rows.row_stride(), padded);
        padded += padded_rows.row_stride();
        continue;
      }
      const float* src = plane + y * geometry.width;
      for (std::int64_t phase = 0; phase < padded_rows.phases; ++phase) {
        const PhaseRange range = ranges[phase];
        ClearOver(range.begin, padded);
        GatherOver(src + range.first_column, stride, range.end - range.begin, padded + range.begin);
        ClearOver(padded_rows.phase_width - range.end, padded + range.end);
        padded += padded_rows.phase_width;
      }
    }
  }
}

void Unpad(const ConvolutionGeometry& geometry, const PaddedRows& padded_rows, const float* padded,
           std::int64_t channels, float* grad_image) {
  const D d;
  const std::int64_t stride = geometry.stride_width;
  const float* image_end = grad_image + channels * geometry.height * geometry.width;
  PhaseRanges ranges(geometry, padded_rows);
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    const float* plane = padded + channel * padded_rows.channel_stride();
    for (std::int64_t y = 0; y < geometry.height; ++y, grad_image += geometry.width) {
      const std::int64_t row = y + geometry.pad_top - padded_rows.first_row;
      const float* src = plane + row * padded_rows.row_stride();
      const bool is_reached = row < padded_rows.rows;
      if (is_reached && stride == 1) {
        const PhaseRange range = ranges[0];
        const std::int64_t count = range.end - range.begin;
        std::int64_t i = 0;
        for (; i < count && grad_image + i + kLanes <= image_end; i += kLanes) {
          hn::StoreU(hn::LoadU(d, src + range.begin + i), d, grad_image + i);
        }
        for (; i < count; ++i) grad_image[i] = src[range.begin + i];
        for (i = count; i < geometry.width; ++i) grad_image[i] = 0.0f;
        continue;
      }
      std::fill_n(grad_image, geometry.width, 0.0f);
      if (!is_reached) continue;
      for (std::int64_t phase = 0; phase < padded_rows.phases; ++phase) {
        const PhaseRange range = ranges[phase];
        float* to = grad_image + range.first_column;
        for (std::int64_t i = range.begin; i < range.end; ++i, to += stride) *to = src[i];
        src += padded_rows.phase_width;
      }
    }
  }
}

// Whole vectors are copied and what is too much is overwritten by the next run, the next
// row of the panel or the next panel: each writes behind the one before.
void PackPanels(const PatchBlock& block, const float* HWY_RESTRICT padded,
                float* HWY_RESTRICT packed) {
  const D d;
  const std::int64_t panel = ActiveTileShape().columns;
  std::int64_t offsets[kMostPatchRows];
  FindPatchOffsets(block, offsets);
  Runs runs;
  for (std::int64_t first = 0; first < block.positions; first += panel) {
    const std::int64_t count = std::min(panel, block.positions - first);
    const std::int64_t width = (count + kLanes - 1) / kLanes * kLanes;
    FindRuns(block, first, count, runs);
    for (std::int64_t k = 0; k < block.rows; ++k) {
      const float* src = padded + offsets[k];
      for (std::int64_t r = 0; r < runs.count; ++r) {
        const Run& run = runs.runs[r];
        const float* from = src + run.source;
        float* to = packed + run.position - first;
        hn::StoreU(hn::LoadU(d, from), d, to);
        for (std::int64_t i = kLanes; i < run.count; i += kLanes) {
          hn::StoreU(hn::LoadU(d, from + i), d, to + i);
        }
      }
      packed += width;
    }
  }
}

// Four kernel elements at four positions at a time; the order of writing as above.
void PackTiles(const PatchBlock& block, const float* HWY_RESTRICT padded,
               float* HWY_RESTRICT packed) {
  const hn::FixedTag<float, 4> d4;
  const hn::Repartition<double, decltype(d4)> d2;
  std::int64_t offsets[kMostPatchRows];
  FindPatchOffsets(block, offsets);
  Runs runs;
  FindRuns(block, 0, block.positions, runs);
  const RowTiles tiles(block.rows, ActiveTileShape().rows);
  for (std::int64_t t = 0; t < tiles.count; ++t) {
    const std::int64_t* tile_offsets = offsets + tiles.Begin(t);
    const std::int64_t rows = tiles.Begin(t + 1) - tiles.Begin(t);
    for (std::int64_t r0 = 0; r0 < rows; r0 += 4) {
      if (rows < 4) {
        for (std::int64_t i = 0; i < runs.count; ++i) {
          const Run& run = runs.runs[i];
          for (std::int64_t row = 0; row < rows; ++row) {
            const float* from = padded + tile_offsets[row] + run.source;
            float* to = packed + run.position * rows + row;
            for (std::int64_t x = 0; x < run.count; ++x) to[x * rows] = from[x];
          }
        }
        continue;
      }
      const std::int64_t row = std::min(r0, rows - 4);
      const float* src0 = padded + tile_offsets[row];
      const float* src1 = padded + tile_offsets[row + 1];
      const float* src2 = padded + tile_offsets[row + 2];
      const float* src3 = padded + tile_offsets[row + 3];
      for (std::int64_t i = 0; i < runs.count; ++i) {
        const Run& run = runs.runs[i];
        float* to = packed + run.position * rows + row;
        for (std::int64_t x = run.source; x < run.source + run.count; x += 4, to += 4 * rows) {
          const auto row0 = hn::LoadU(d4, src0 + x);
          const auto row1 = hn::LoadU(d4, src1 + x);
          const auto row2 = hn::LoadU(d4, src2 + x);
          const auto row3 = hn::LoadU(d4, src3 + x);
          const auto low01 = hn::BitCast(d2, hn::InterleaveLower(d4, row0, row1));
          const auto low23 = hn::BitCast(d2, hn::InterleaveLower(d4, row2, row3));
          const auto high01 = hn::BitCast(d2, hn::InterleaveUpper(d4, row0, row1));
          const auto high23 = hn::BitCast(d2, hn::InterleaveUpper(d4, row2, row3));
          hn::StoreU(hn::BitCast(d4, hn::InterleaveLower(d2, low01, low23)), d4, to);
          hn::StoreU(hn::BitCast(d4, hn::InterleaveUpper(d2, low01, low23)), d4, to + rows);
          hn::StoreU(hn::BitCast(d4, hn::InterleaveLower(d2, high01, high23)), d4, to + 2 * rows);
          hn::StoreU(hn::BitCast(d4, hn::InterleaveUpper(d2, high01, high23)), d4, to + 3 * rows);
        }
      }
    }
    packed += rows * block.positions;
  }
}

void Add(const PatchBlock& block, const float* HWY_RESTRICT columns, std::int64_t column_stride,
         float* HWY_RESTRICT padded) {
  const D d;
  std::int64_t offsets[kMostPatchRows];
  FindPatchOffsets(block, offsets);
  Runs runs;
  FindRuns(block, 0, block.positions, runs);
  for (std::int64_t k = 0; k < block.rows; ++k) {
    for (std::int64_t r = 0; r < runs.count; ++r) {
      const Run& run = runs.runs[r];
      const float* from = columns + k * column_stride + run.position;
      float* to = padded + offsets[k] + run.source;
      std::int64_t i = 0;
      for (; i + kLanes <= run.count; i += kLanes) {
        hn::StoreU(hn::Add(hn::LoadU(d, to + i), hn::LoadU(d, from + i)), d, to + i);
      }
      // The neighbours get zeros added.
      if (i < run.count) {
        const auto last = hn::LoadN(d, from + i, static_cast<std::size_t>(run.count - i));
        hn::StoreU(hn::Add(hn::LoadU(d, to + i), last), d, to + i);
      }
    }
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

PaddedRows::PaddedRows(const ConvolutionGeometry& geometry, std::int64_t first_position,
                       std::int64_t count) {
  first_output_row = first_position / geometry.output_width;
  const std::int64_t last_output_row = (first_position + count - 1) / geometry.output_width;
  first_row = first_output_row * geometry.stride_height;
  rows = (last_output_row - first_output_row) * geometry.stride_height +
         (geometry.kernel_height - 1) * geometry.dilation_height + 1;
  const std::int64_t reach = (geometry.kernel_width - 1) * geometry.dilation_width;
  phases = std::min(geometry.stride_width, reach + 1);
  phase_width = geometry.output_width + reach / geometry.stride_width;
}

void FindPatchOffsets(const PatchBlock& block, std::int64_t* offsets) {
  const ConvolutionGeometry& geometry = *block.geometry;
  const PaddedRows& padded = *block.padded_rows;
  const std::int64_t area = geometry.kernel_height * geometry.kernel_width;
  std::int64_t channel = block.first_row / area;
  std::int64_t y = block.first_row % area / geometry.kernel_width;
  std::int64_t x = block.first_row % geometry.kernel_width;
  for (std::int64_t i = 0; i < block.rows; ++i) {
    const std::int64_t column = x * geometry.dilation_width;
    offsets[i] =
        channel * padded.channel_stride() + y * geometry.dilation_height * padded.row_stride() +
        column % geometry.stride_width * padded.phase_width + column / geometry.stride_width;
    if (++x == geometry.kernel_width) {
      x = 0;
      if (++y == geometry.kernel_height) {
        y = 0;
        ++channel;
      }
    }
  }
}

void PadChannels(const ConvolutionGeometry& geometry, const PaddedRows& padded_rows,
                 const float* image, std::int64_t channels, float* padded) {
  ESPALIER_KERNEL(Pad)(geometry, padded_rows, image, channels, padded);
}

void UnpadChannels(const ConvolutionGeometry& geometry, const PaddedRows& padded_rows,
                   const float* padded, std::int64_t channels, float* grad_image) {
  ESPALIER_KERNEL(Unpad)(geometry, padded_rows, padded, channels, grad_image);
}

void PackPatchPanels(const PatchBlock& block, const float* padded, float* packed) {
  ESPALIER_KERNEL(PackPanels)(block, padded, packed);
}

void PackPatchTiles(const PatchBlock& block, const float* padded, float* packed) {
  ESPALIER_KERNEL(PackTiles)(block, padded, packed);
}

void AddPatches(const PatchBlock& block, const float* columns, std::int64_t column_stride,
                float* padded) {
  ESPALIER_KERNEL(Add)(block, columns, column_stride, padded);
}

}  // namespace espalier
#endif  // HWY_ONCE
