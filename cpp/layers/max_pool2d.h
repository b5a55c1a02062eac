// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/pooling.h"

namespace espalier {

/// The maximum of each window; padding never wins, NaN does. The gradient goes to the
/// first maximum. Attributes are Pooling's.
class MaxPool2d final : public Pooling {
 public:
  static constexpr const char* kKind = "max_pool2d";
  explicit MaxPool2d(const Attributes& attributes)
      : MaxPool2d(AttributeReader(kKind, attributes)) {}

  std::string_view kind() const override { return kKind; }
  LayerTraits Traits(std::span<const Shape> inputs) const override {
    return {.max_pooling = Geometry(inputs)};
  }
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  explicit MaxPool2d(AttributeReader&& reader);
};

}  // namespace espalier
