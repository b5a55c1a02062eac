// SPDX-License-Identifier: Apache-2.0
#include "layers/constant.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/text.h"
#include "kernels/reductions/reduction.h"
#include "layers/attribute_reader.h"
#include "layers/partition.h"
#include "layers/work.h"

namespace espalier {

Constant::Constant(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  shape_ = Shape(reader.List("shape", 1, Shape::kMaxElements));
  initializer_value_ = reader.Real("initializer_value", -1e30, 1e30, 0.0);
  const std::vector<std::int64_t> integers =
      reader.List("integers", std::numeric_limits<std::int32_t>::min(),
                  std::numeric_limits<std::int32_t>::max(), static_cast<std::size_t>(kMaxUnits),
                  std::vector<std::int64_t>());
  reader.Finish();
  const bool has_integers = attributes.contains("integers");
  if (has_integers && static_cast<std::int64_t>(integers.size()) != shape_.element_count()) {
    Fail(ErrorCode::kInvalidArgument, kKind, " integers: expected ", shape_.element_count(),
         ", one an element of ", shape_.ToString(), ", got ", integers.size());
  }
  integers_.assign(integers.begin(), integers.end());
}

Attributes Constant::attributes() const {
  const auto dimensions = shape_.dimensions();
  Attributes result = {{"shape", std::vector<std::int64_t>(dimensions.begin(), dimensions.end())},
                       {"initializer_value", initializer_value_}};
  if (HasIntegers()) {
    result["integers"] = std::vector<std::int64_t>(integers_.begin(), integers_.end());
  }
  return result;
}

Shape Constant::OutputShape(std::span<const Shape> inputs) const {
  if (!inputs.empty()) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected no inputs, got ", inputs.size());
  }
  return shape_;
}

std::int64_t Constant::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, shape_);
}

std::vector<ParameterSpec> Constant::Parameters(std::span<const Shape> /*inputs*/) const {
  if (HasIntegers()) return {};
  return {{.name = "value",
           .shape = shape_,
           .role = ParameterRole::kWeight,
           .initializer = {.name = "constant", .value = initializer_value_}}};
}

// Where the length varies, the output has the first positions alone.
void Constant::Forward(const ForwardArguments& arguments) const {
  const std::int64_t floats = arguments.output_shape.element_count();
  const void* const value = HasIntegers() ? static_cast<const void*>(integers_.data())
                                          : static_cast<const void*>(arguments.parameters[0]);
  ForRows(*arguments.workspace, arguments.batch, floats,
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i) {
              std::memcpy(arguments.output + i * floats, value,
                          static_cast<std::size_t>(floats) * sizeof(float));
            }
          });
}

void Constant::Backward(const BackwardArguments& arguments) const {
  float* const grad_value = arguments.grad_parameters[0];
  if (grad_value == nullptr) return;
  const std::int64_t floats = arguments.output_shape.element_count();
  ForColumns(*arguments.workspace, floats, arguments.batch,
             [&](std::int64_t first, std::int64_t last) {
               ColumnSums(arguments.grad_output + first, arguments.batch, last - first, floats,
                          grad_value + first);
             });
  std::fill(grad_value + floats, grad_value + shape_.element_count(), 0.0f);
}

}  // namespace espalier
