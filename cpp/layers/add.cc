// SPDX-License-Identifier: Apache-2.0
#include "layers/add.h"

#include <algorithm>
#include <cstring>

#include "core/text.h"
#include "kernels/elementwise/elementwise.h"
#include "layers/attribute_reader.h"
#include "layers/broadcast.h"
#include "layers/partition.h"
#include "layers/work.h"

namespace espalier {

Add::Add(const Attributes& attributes) { AttributeReader(kKind, attributes).Finish(); }

bool Add::IsSum(std::span<const Shape> inputs) {
  return std::all_of(inputs.begin(), inputs.end(),
                     [&](const Shape& input) { return input == inputs[0]; });
}

Shape Add::OutputShape(std::span<const Shape> inputs) const {
  if (inputs.size() < 2) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected at least 2 inputs, got ", inputs.size());
  }
  if (IsSum(inputs)) return inputs[0];
  if (inputs.size() == 2) return BroadcastShape(kKind, inputs[0], inputs[1]);
  const Shape& other = *std::find_if(inputs.begin(), inputs.end(),
                                     [&](const Shape& input) { return input != inputs[0]; });
  Fail(ErrorCode::kShapeMismatch, kKind, ": expected inputs of one shape, or two inputs, got ",
       inputs[0].ToString(), " and ", other.ToString(), " among ", inputs.size());
}

std::int64_t Add::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

std::int64_t Add::ScratchFloats(std::int64_t /*batch*/, std::span<const Shape> inputs) const {
  return IsSum(inputs) ? 0 : BroadcastScratchFloats(inputs);
}

void Add::Forward(const ForwardArguments& arguments) const {
  if (!IsSum(arguments.input_shapes)) return BroadcastForward(Binary::kAdd, arguments);
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
  if (!IsSum(arguments.input_shapes)) return BroadcastBackward(Binary::kAdd, arguments);
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
