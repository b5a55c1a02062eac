// SPDX-License-Identifier: Apache-2.0
#include "layers/concat.h"

#include <algorithm>
#include <cstring>

#include "core/checked.h"
#include "core/text.h"
#include "layers/attribute_reader.h"
#include "layers/partition.h"

namespace espalier {

ConcatLayer::ConcatLayer(const Attributes& attributes) {
  AttributeReader(kKind, attributes).Finish();
}

Shape ConcatLayer::OutputShape(std::span<const Shape> inputs) const {
  if (inputs.size() < 2) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected at least 2 inputs, got ", inputs.size());
  }
  std::vector<std::int64_t> dimensions(inputs[0].dimensions().begin(),
                                       inputs[0].dimensions().end());
  for (const Shape& input : inputs.subspan(1)) {
    const auto first = inputs[0].dimensions().subspan(1);
    const auto other = input.dimensions().subspan(1);
    if (!std::equal(first.begin(), first.end(), other.begin(), other.end())) {
      Fail(ErrorCode::kShapeMismatch, kKind,
           ": expected inputs that differ in their first dimension alone, got ",
           inputs[0].ToString(), " and ", input.ToString());
    }
    dimensions[0] = CheckedAdd(dimensions[0], input[0]);
  }
  return Shape(dimensions);
}

void ConcatLayer::Forward(const ForwardArguments& arguments) const {
  const std::int64_t size = arguments.output_shape.element_count();
  ForRows(*arguments.workspace, arguments.batch, size, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      float* to = arguments.output + n * size;
      for (std::size_t i = 0; i < arguments.inputs.size(); ++i) {
        const std::int64_t part = arguments.input_shapes[i].element_count();
        std::memcpy(to, arguments.inputs[i] + n * part,
                    static_cast<std::size_t>(part) * sizeof(float));
        to += part;
      }
    }
  });
}

void ConcatLayer::Backward(const BackwardArguments& arguments) const {
  const std::int64_t size = arguments.output_shape.element_count();
  ForRows(*arguments.workspace, arguments.batch, size, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      const float* from = arguments.grad_output + n * size;
      for (std::size_t i = 0; i < arguments.grad_inputs.size(); ++i) {
        const std::int64_t part = arguments.input_shapes[i].element_count();
        if (float* grad_input = arguments.grad_inputs[i]) {
          std::memcpy(grad_input + n * part, from, static_cast<std::size_t>(part) * sizeof(float));
        }
        from += part;
      }
    }
  });
}

}  // namespace espalier
