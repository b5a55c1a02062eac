// SPDX-License-Identifier: Apache-2.0
#include "layers/slice.h"

#include <algorithm>

#include "core/text.h"
#include "layers/partition.h"
#include "layers/strides.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {
namespace {

// A place from the beginning, within [0, size].
std::int64_t PlaceOf(std::int64_t index, std::int64_t size) {
  return std::clamp<std::int64_t>(index < 0 ? index + size : index, 0, size);
}

}  // namespace

// Loops from the input to the output, and where in the input they begin.
struct Slice::Part {
  StridedLoops loops;
  std::int64_t offset;
};

Slice::Slice(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  constexpr std::int64_t kMost = Shape::kMaxElements;
  begin_ = reader.List("begin", -kMost, kMost);
  const auto all = [&](std::int64_t value) {
    return std::vector<std::int64_t>(begin_.size(), value);
  };
  end_ = reader.List("end", -kMost, kMost, Shape::kMaxRank, all(kMost));
  step_ = reader.List("step", 1, kMaxUnits, Shape::kMaxRank, all(1));
  reader.Finish();
  if (end_.size() != begin_.size() || step_.size() != begin_.size()) {
    const bool is_end = end_.size() != begin_.size();
    reader.FailAt(is_end ? "end" : "step", Concat(begin_.size(), " numbers, as many as begin"),
                  is_end ? end_ : step_);
  }
}

Attributes Slice::attributes() const { return {{"begin", begin_}, {"end", end_}, {"step", step_}}; }

Shape Slice::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  if (static_cast<std::size_t>(input.rank()) != begin_.size()) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected an input of ", begin_.size(),
         " dimensions, got ", input.ToString());
  }
  std::vector<std::int64_t> dimensions;
  for (std::size_t axis = 0; axis < begin_.size(); ++axis) {
    const std::int64_t size = input[static_cast<int>(axis)];
    const std::int64_t elements = PlaceOf(end_[axis], size) - PlaceOf(begin_[axis], size);
    if (elements < 1) {
      Fail(ErrorCode::kShapeMismatch, kKind, ": expected at least 1 element from ", begin_[axis],
           " to ", end_[axis], " in dimension ", axis, ", got ", input.ToString());
    }
    dimensions.push_back((elements - 1) / step_[axis] + 1);
  }
  return Shape(dimensions);
}

std::int64_t Slice::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

Slice::Part Slice::PartOf(const Shape& input, const Shape& output, Layout layout) const {
  const Strides from = StridesOf(input, layout);
  const Strides to = StridesOf(output, layout);
  Part part{};
  for (std::size_t axis = 0; axis < begin_.size(); ++axis) {
    part.loops.Add(output[static_cast<int>(axis)], step_[axis] * from[axis], to[axis]);
    part.offset += PlaceOf(begin_[axis], input[static_cast<int>(axis)]) * from[axis];
  }
  return part;
}

void Slice::Forward(const ForwardArguments& arguments) const {
  const Shape& input = arguments.input_shapes[0];
  const Shape& output = arguments.output_shape;
  const Part part = PartOf(input, output, arguments.layout);
  CopyExamples(part.loops, arguments.batch,
               {arguments.inputs[0] + part.offset, input.element_count(), arguments.output,
                output.element_count()},
               *arguments.workspace);
}

void Slice::Backward(const BackwardArguments& arguments) const {
  float* const grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const Shape& input = arguments.input_shapes[0];
  const Shape& output = arguments.output_shape;
  const Part part = PartOf(input, output, arguments.layout);
  ForElements(*arguments.workspace, arguments.batch * input.element_count(),
              [&](std::int64_t first, std::int64_t last) {
                std::fill(grad_input + first, grad_input + last, 0.0f);
              });
  CopyExamples(part.loops.Reversed(), arguments.batch,
               {arguments.grad_output, output.element_count(), grad_input + part.offset,
                input.element_count()},
               *arguments.workspace);
}

}  // namespace espalier
