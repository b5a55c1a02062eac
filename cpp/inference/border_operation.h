// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where values enter and leave a plan: inside, channels are last (layers/layout.h).

#include <optional>

#include "core/memory.h"
#include "inference/operation.h"
#include "kernels/image_layout.h"
#include "network/network_state.h"

namespace espalier {

/// A value from outside, normalized on the way if it is the network's input: (x - mean) / std.
class EnterOperation final : public Operation {
 public:
  EnterOperation(const Shape& shape, const std::optional<Normalization>& normalization);

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override { return shape_.element_count() * kElementWork; }
  bool ReadsPixels() const override;
  std::int64_t NativeBytes() const override { return mean_.bytes() + scale_.bytes(); }

 private:
  void RunPixels(const OperationCall& call) const;
  /// Positions [first, last) of an image.
  void Enter(const ImageLayout& layout, std::int64_t first, std::int64_t last, const float* from,
             float* to) const;

  Shape shape_;
  AlignedArray<float> mean_;  // [channels], or empty: not normalized
  AlignedArray<float> scale_;
};

/// A value as it is outside.
class LeaveOperation final : public Operation {
 public:
  explicit LeaveOperation(const Shape& shape) : shape_(shape) {}

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override { return shape_.element_count() * kElementWork; }
  bool is_strided() const override { return true; }
  std::int64_t NativeBytes() const override { return 0; }

 private:
  Shape shape_;
};

}  // namespace espalier
