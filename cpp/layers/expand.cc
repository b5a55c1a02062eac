// SPDX-License-Identifier: Apache-2.0
#include "layers/expand.h"

#include <algorithm>

#include "core/text.h"
#include "layers/expansion.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {

Expand::Expand(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  shape_ = reader.List("shape", -1, Shape::kMaxElements);
  reader.Finish();
  if (shape_.empty() || std::count(shape_.begin(), shape_.end(), 0) > 0) {
    reader.FailAt("shape", "1 to 8 dimensions from 1 on, or -1", shape_);
  }
}

Shape Expand::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  std::vector<std::int64_t> dimensions = shape_;
  const int added = static_cast<int>(shape_.size()) - input.rank();
  bool fits = added >= 0;
  for (int axis = 0; fits && axis < static_cast<int>(shape_.size()); ++axis) {
    const std::int64_t from = axis < added ? 1 : input[axis - added];
    std::int64_t& to = dimensions[static_cast<std::size_t>(axis)];
    if (to == -1 && axis >= added) to = from;
    fits = to != -1 && (from == 1 || from == to);
  }
  if (!fits) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected an input that expands to [",
         Join(shape_, ", "), "], got ", input.ToString());
  }
  return Shape(dimensions);
}

std::int64_t Expand::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

void Expand::Forward(const ForwardArguments& arguments) const {
  ExpandExamples(arguments.input_shapes[0], arguments.output_shape, arguments.batch,
                 arguments.inputs[0], arguments.output, *arguments.workspace);
}

void Expand::Backward(const BackwardArguments& arguments) const {
  if (arguments.grad_inputs[0] == nullptr) return;
  SumExpandedExamples(arguments.input_shapes[0], arguments.output_shape, arguments.batch,
                      arguments.grad_output, arguments.grad_inputs[0], *arguments.workspace);
}

}  // namespace espalier
