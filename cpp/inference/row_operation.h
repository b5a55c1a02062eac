// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "inference/operation.h"

namespace espalier {

/// How the rows of an image that an operation writes depend on those that it reads: output row
/// y on input rows [y · stride - pad, y · stride - pad + span), as far as there are such.
struct RowWindow {
  std::int64_t input_rows, output_rows;
  std::int64_t input_floats, output_floats;  ///< of a row
  std::int64_t stride, pad, span;
};

struct RowCall {
  const float* input;  ///< begins with the image's row `input_row`
  std::int64_t input_row;
  std::int64_t first, last;  ///< output rows
  const float* residual;     ///< begins with row `first`; or null
  float* output;             ///< begins with row `first`
  float* scratch;            ///< ScratchFloats of a batch of 1
};

/// An operation on images that can compute some output rows alone, with the bits that they have
/// in the whole.
class RowOperation : public Operation {
 public:
  virtual RowWindow window() const = 0;

  /// On the calling thread.
  virtual void RunRows(const RowCall& call) const = 0;
};

}  // namespace espalier
