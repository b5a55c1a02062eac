// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

/// Puts a trained vector before all positions: [length, width] becomes [length + 1, width], of
/// which the first is `weight`. What it becomes in a transformer stands for the whole.
///
/// Attributes: none.
/// Parameters: weight [width], zero at first.
/// Source: Devlin et al., 2018, arXiv:1810.04805; for images Dosovitskiy et al., 2020,
/// arXiv:2010.11929.
class ClassToken final : public Layer {
 public:
  static constexpr const char* kKind = "class_token";
  explicit ClassToken(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> Parameters(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;
};

}  // namespace espalier
