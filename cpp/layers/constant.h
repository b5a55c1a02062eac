// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "layers/layer.h"

namespace espalier {

/// The same value for every example, computed from no input: a table or a learned token that other
/// layers combine with data. A value of floats trains; one of integers is a setting.
///
/// Attributes: shape, 1 to 8 dimensions; initializer_value [0], ±1e30; integers [none]: one an
/// element, row-major, at most 2^20, which make it an int32.
/// Parameters: value [shape], at first initializer_value; none of integers.
class Constant final : public Layer {
 public:
  static constexpr const char* kKind = "constant";
  explicit Constant(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  ElementType OutputType() const override {
    return HasIntegers() ? ElementType::kInt32 : ElementType::kFloat32;
  }
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> Parameters(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  bool HasBackward() const override { return !HasIntegers(); }
  void Backward(const BackwardArguments& arguments) const override;

 private:
  bool HasIntegers() const { return !integers_.empty(); }

  Shape shape_{1};
  double initializer_value_ = 0.0;
  std::vector<std::int32_t> integers_;  // one an element, or none
};

}  // namespace espalier
