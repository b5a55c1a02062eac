// SPDX-License-Identifier: Apache-2.0
#pragma once

// Rows of channels-last images [height, width, channels] made wider or narrower, as resizing does.

#include <cstdint>

namespace espalier {

/// Where an output lies between two neighbors of one axis: (1 - weight) · input[low] +
/// weight · input[low + step].
struct AxisSample {
  std::int64_t low;
  std::int32_t step;  ///< 0 or 1
  float weight;
};

/// The two rows of an image that a row of outputs lies between.
struct RowSample {
  std::int64_t low_row;   ///< floats from the image to the upper one
  std::int64_t high_row;  ///< to the lower one, or the same
  float weight;           ///< of the lower one
};

/// A row of outputs: where each of its columns lies.
struct SampledRow {
  std::int64_t channels;
  std::int64_t width;         ///< of the outputs
  const AxisSample* columns;  ///< [width]
  RowSample row;
};

/// y [width, channels], from the image at `x`:
/// (1 - v) · ((1 - h) · a + h · b) + v · ((1 - h) · c + h · d).
void InterpolateRow(const SampledRow& row, const float* x, float* y);

/// Adds what the row's gradient gives to each of its four neighbors.
void InterpolateRowBackward(const SampledRow& row, const float* grad_y, float* grad_x);

/// y [width, channels]: column j is column columns[j].low of the row `low_row`.
void PickRow(const SampledRow& row, const float* x, float* y);

/// Adds the row's gradient to where PickRow read.
void PickRowBackward(const SampledRow& row, const float* grad_y, float* grad_x);

}  // namespace espalier
