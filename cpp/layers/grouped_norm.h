// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/attribute_reader.h"
#include "layers/layer.h"

namespace espalier {

/// What group_norm and instance_norm share: the channels (first dimension) are split into groups
/// of neighbors, and each group of each example is normalized by itself, over its channels and all
/// positions: y = (x - mean) / √(variance + epsilon), with biased variance, in training and
/// prediction alike. Where they are affine, weight · y + bias follows, per channel.
///
/// Attributes of both: epsilon [1e-5]; affine.
/// Parameters, if affine: weight [channels], one at first; bias [channels], zero at first.
class GroupedNorm : public Layer {
 public:
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> Parameters(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  std::int64_t ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 protected:
  /// Reads the attributes that both kinds have.
  GroupedNorm(AttributeReader& reader, bool affine_default);

  /// Throws Error: SHAPE_MISMATCH if so many channels cannot be split.
  virtual std::int64_t GroupsOf(std::int64_t channels) const = 0;

 private:
  double epsilon_;
  bool is_affine_;
};

}  // namespace espalier
