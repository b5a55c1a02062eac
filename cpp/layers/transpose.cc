// SPDX-License-Identifier: Apache-2.0
#include "layers/transpose.h"

#include <algorithm>

#include "core/text.h"
#include "layers/strides.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {

TransposeLayer::TransposeLayer(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  order_ = reader.List("order", 0, Shape::kMaxRank - 1);
  reader.Finish();
  std::vector<std::int64_t> sorted = order_;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] == static_cast<std::int64_t>(i)) continue;
    reader.FailAt("order", Concat("each of 0 to ", order_.size() - 1, " once"), order_);
  }
}

Shape TransposeLayer::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  if (static_cast<std::size_t>(input.rank()) != order_.size()) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected an input of ", order_.size(),
         " dimensions, got ", input.ToString());
  }
  std::vector<std::int64_t> dimensions;
  for (const std::int64_t axis : order_) dimensions.push_back(input[static_cast<int>(axis)]);
  return Shape(dimensions);
}

std::int64_t TransposeLayer::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

StridedLoops TransposeLayer::LoopsOf(const Shape& input, const Shape& output) const {
  const Strides from = StridesOf(input, Layout::kRowMajor);
  const Strides to = StridesOf(output, Layout::kRowMajor);
  StridedLoops loops;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    loops.Add(output[static_cast<int>(i)], from[static_cast<std::size_t>(order_[i])], to[i]);
  }
  return loops;
}

void TransposeLayer::Forward(const ForwardArguments& arguments) const {
  const Shape& input = arguments.input_shapes[0];
  CopyExamples(
      LoopsOf(input, arguments.output_shape), arguments.batch,
      {arguments.inputs[0], input.element_count(), arguments.output, input.element_count()},
      *arguments.workspace);
}

void TransposeLayer::Backward(const BackwardArguments& arguments) const {
  if (arguments.grad_inputs[0] == nullptr) return;
  const Shape& input = arguments.input_shapes[0];
  CopyExamples(LoopsOf(input, arguments.output_shape).Reversed(), arguments.batch,
               {arguments.grad_output, input.element_count(), arguments.grad_inputs[0],
                input.element_count()},
               *arguments.workspace);
}

}  // namespace espalier
