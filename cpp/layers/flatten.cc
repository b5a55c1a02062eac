// SPDX-License-Identifier: Apache-2.0
#include "layers/flatten.h"

#include <cstring>

#include "layers/partition.h"
#include "layers/window.h"

namespace espalier {
namespace {

void Copy(Workspace& workspace, const float* from, std::int64_t count, float* to) {
  if (from == to) return;
  ForElements(workspace, count, [&](std::int64_t first, std::int64_t last) {
    std::memcpy(to + first, from + first, static_cast<std::size_t>(last - first) * sizeof(float));
  });
}

}  // namespace

Flatten::Flatten(const Attributes& attributes) { AttributeReader(kKind, attributes).Finish(); }

Shape Flatten::OutputShape(std::span<const Shape> inputs) const {
  return Shape::Vector(OnlyInput(inputs, kKind).element_count());
}

void Flatten::Forward(const ForwardArguments& arguments) const {
  Copy(*arguments.workspace, arguments.inputs[0],
       arguments.batch * arguments.output_shape.element_count(), arguments.output);
}

void Flatten::Backward(const BackwardArguments& arguments) const {
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  Copy(*arguments.workspace, arguments.grad_output,
       arguments.batch * arguments.output_shape.element_count(), grad_input);
}

}  // namespace espalier
