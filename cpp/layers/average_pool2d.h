// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/pooling.h"

namespace espalier {

/// The average of each window. Attributes: Pooling's, and count_include_pad [true]: whether
/// padding counts as zeros, or is left out of sum and divisor, as in PyTorch.
class AveragePool2d final : public Pooling {
 public:
  static constexpr const char* kKind = "average_pool2d";
  explicit AveragePool2d(const Attributes& attributes)
      : AveragePool2d(AttributeReader(kKind, attributes)) {}

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  explicit AveragePool2d(AttributeReader&& reader);
  PoolingGeometry AverageGeometry(std::span<const Shape> inputs) const;

  bool counts_padding_;
};

}  // namespace espalier
