// SPDX-License-Identifier: Apache-2.0
#include "layers/class_token.h"

#include <algorithm>

#include "core/text.h"
#include "kernels/reductions/reduction.h"
#include "layers/attribute_reader.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {

ClassToken::ClassToken(const Attributes& attributes) {
  AttributeReader(kKind, attributes).Finish();
}

Shape ClassToken::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  if (input.rank() != 2) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected an input [length, width], got ",
         input.ToString());
  }
  return Shape{input[0] + 1, input[1]};
}

std::int64_t ClassToken::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

std::vector<ParameterSpec> ClassToken::Parameters(std::span<const Shape> inputs) const {
  return {{"weight", Shape::Vector(OnlyInput(inputs, kKind)[1]), ParameterRole::kWeight, {}}};
}

void ClassToken::Forward(const ForwardArguments& arguments) const {
  const std::int64_t width = arguments.output_shape[1];
  const std::int64_t floats = arguments.input_shapes[0].element_count();
  ForRows(*arguments.workspace, arguments.batch, floats,
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i) {
              float* const to = arguments.output + i * (floats + width);
              std::copy_n(arguments.parameters[0], width, to);
              std::copy_n(arguments.inputs[0] + i * floats, floats, to + width);
            }
          });
}

void ClassToken::Backward(const BackwardArguments& arguments) const {
  const std::int64_t width = arguments.output_shape[1];
  const std::int64_t floats = arguments.input_shapes[0].element_count();
  const float* grad = arguments.grad_output;
  if (float* grad_weight = arguments.grad_parameters[0]) {
    ColumnSums(grad, arguments.batch, width, floats + width, grad_weight);
  }
  float* const grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  ForRows(*arguments.workspace, arguments.batch, floats,
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i) {
              std::copy_n(grad + i * (floats + width) + width, floats, grad_input + i * floats);
            }
          });
}

}  // namespace espalier
