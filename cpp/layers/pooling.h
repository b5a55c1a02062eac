// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/pooling/pooling.h"
#include "layers/layer.h"
#include "layers/window.h"

namespace espalier {

/// What max_pool2d and average_pool2d share: windows over each channel of an image.
///
/// Attributes of both: window (n or [h, w]); stride [the window]; padding [0], see
/// Padding::Read, less than the window so that every window has part of the image. Output
/// sizes are rounded down, as PyTorch does.
class Pooling : public Layer {
 public:
  /// Throws Error: SHAPE_MISMATCH if the input does not fit.
  PoolingGeometry Geometry(std::span<const Shape> inputs) const;

  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;

 protected:
  /// Reads the attributes that both kinds have.
  explicit Pooling(AttributeReader& reader);

  /// Elements of the image that one row of outputs takes in.
  static std::int64_t WindowRowElements(const PoolingGeometry& geometry) {
    return geometry.stride_height * geometry.width * geometry.channels;
  }

 private:
  Window window_;
};

}  // namespace espalier
