// SPDX-License-Identifier: Apache-2.0
#include "layers/flatten.h"

#include "layers/layout.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {

Flatten::Flatten(const Attributes& attributes) { AttributeReader(kKind, attributes).Finish(); }

Shape Flatten::OutputShape(std::span<const Shape> inputs) const {
  return Shape::Vector(OnlyInput(inputs, kKind).element_count());
}

std::int64_t Flatten::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

void Flatten::Forward(const ForwardArguments& arguments) const {
  if (arguments.inputs[0] == arguments.output) return;
  ToChannelsFirst(arguments.input_shapes[0], arguments.batch, arguments.inputs[0], arguments.output,
                  *arguments.workspace);
}

void Flatten::Backward(const BackwardArguments& arguments) const {
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr || grad_input == arguments.grad_output) return;
  ToChannelsLast(arguments.input_shapes[0], arguments.batch, arguments.grad_output, grad_input,
                 *arguments.workspace);
}

}  // namespace espalier
