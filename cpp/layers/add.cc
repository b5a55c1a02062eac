// SPDX-License-Identifier: Apache-2.0
#include "layers/add.h"

#include <cstring>

#include "core/text.h"
#include "kernels/elementwise.h"
#include "layers/attribute_reader.h"
#include "layers/partition.h"
#include "layers/work.h"

namespace espalier {

Add::Add(const Attributes& attributes) { AttributeReader(kKind, attributes).Finish(); }

Shape Add::OutputShape(std::span<const Shape> inputs) const {
  if (inputs.size() < 2) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected at least 2 inputs, got ", inputs.size());
  }
  for (const Shape& input : inputs) {
    if (input != inputs[0]) {
      Fail(ErrorCode::kShapeMismatch, kKind, ": expected inputs of one shape, got ",
           inputs[0].ToString(), " and ", input.ToString());
    }
  }
  return inputs[0];
}

std::int64_t Add::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

void Add::Forward(const ForwardArguments& arguments) const {
  const std::int64_t count = arguments.batch * arguments.output_shape.element_count();
  float* y = arguments.output;
  ForElements(*arguments.workspace, count, [&](std::int64_t first, std::int64_t last) {
    AddArrays(arguments.inputs[0] + first, arguments.inputs[1] + first, last - first, y + first);
    for (std::size_t i = 2; i < arguments.inputs.size(); ++i) {
      AddArrays(y + first, arguments.inputs[i] + first, last - first, y + first);
    }
  });
}

void Add::Backward(const BackwardArguments& arguments) const {
  const std::int64_t count = arguments.batch * arguments.output_shape.element_count();
  ForElements(*arguments.workspace, count, [&](std::int64_t first, std::int64_t last) {
    for (float* grad_input : arguments.grad_inputs) {
      if (grad_input == nullptr || grad_input == arguments.grad_output) continue;
      std::memcpy(grad_input + first, arguments.grad_output + first,
                  static_cast<std::size_t>(last - first) * sizeof(float));
    }
  });
}

}  // namespace espalier
