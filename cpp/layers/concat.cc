// SPDX-License-Identifier: Apache-2.0
#include "layers/concat.h"

#include <cstring>

#include "core/checked.h"
#include "core/text.h"
#include "layers/attribute_reader.h"
#include "layers/partition.h"
#include "layers/strides.h"
#include "layers/work.h"

namespace espalier {
namespace {

// `rows` rows of `columns` floats.
void CopyRows(const float* from, std::int64_t rows, std::int64_t columns, std::int64_t from_stride,
              float* to, std::int64_t to_stride) {
  for (std::int64_t row = 0; row < rows; ++row) {
    std::memcpy(to + row * to_stride, from + row * from_stride,
                static_cast<std::size_t>(columns) * sizeof(float));
  }
}

}  // namespace

ConcatLayer::ConcatLayer(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  axis_ = reader.Whole("axis", -Shape::kMaxRank, Shape::kMaxRank - 1, 0);
  reader.Finish();
}

PositionUse ConcatLayer::InputPositions(std::size_t /*input*/,
                                        std::span<const Shape> inputs) const {
  return ResolveAxis(axis_, inputs[0].rank(), kKind) == 0 ? PositionUse::kAll : PositionUse::kSame;
}

Shape ConcatLayer::OutputShape(std::span<const Shape> inputs) const {
  if (inputs.size() < 2) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected at least 2 inputs, got ", inputs.size());
  }
  const auto axis = static_cast<std::size_t>(ResolveAxis(axis_, inputs[0].rank(), kKind));
  std::vector<std::int64_t> dimensions(inputs[0].dimensions().begin(),
                                       inputs[0].dimensions().end());
  for (const Shape& input : inputs.subspan(1)) {
    std::vector<std::int64_t> others(input.dimensions().begin(), input.dimensions().end());
    const bool has_axis = others.size() == dimensions.size();
    const std::int64_t size = has_axis ? others[axis] : 0;
    if (has_axis) others[axis] = dimensions[axis];
    if (others != dimensions) {
      Fail(ErrorCode::kShapeMismatch, kKind, ": expected inputs that differ in dimension ", axis,
           " alone, got ", inputs[0].ToString(), " and ", input.ToString());
    }
    dimensions[axis] = CheckedAdd(dimensions[axis], size);
  }
  return Shape(dimensions);
}

std::int64_t ConcatLayer::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

void ConcatLayer::Forward(const ForwardArguments& arguments) const {
  const Shape& output = arguments.output_shape;
  const int axis = ResolveAxis(axis_, output.rank(), kKind);
  const AxisSplit whole = SplitAt(output, axis, arguments.layout);
  const std::int64_t size = whole.size * whole.inner;
  ForRows(*arguments.workspace, arguments.batch * whole.outer, size,
          [&](std::int64_t first, std::int64_t last) {
            float* to = arguments.output + first * size;
            for (std::size_t i = 0; i < arguments.inputs.size(); ++i) {
              const std::int64_t part = arguments.input_shapes[i][axis] * whole.inner;
              CopyRows(arguments.inputs[i] + first * part, last - first, part, part, to, size);
              to += part;
            }
          });
}

void ConcatLayer::Backward(const BackwardArguments& arguments) const {
  const Shape& output = arguments.output_shape;
  const int axis = ResolveAxis(axis_, output.rank(), kKind);
  const AxisSplit whole = SplitAt(output, axis, arguments.layout);
  const std::int64_t size = whole.size * whole.inner;
  ForRows(*arguments.workspace, arguments.batch * whole.outer, size,
          [&](std::int64_t first, std::int64_t last) {
            const float* from = arguments.grad_output + first * size;
            for (std::size_t i = 0; i < arguments.grad_inputs.size(); ++i) {
              const std::int64_t part = arguments.input_shapes[i][axis] * whole.inner;
              if (float* grad_input = arguments.grad_inputs[i]) {
                CopyRows(from, last - first, part, size, grad_input + first * part, part);
              }
              from += part;
            }
          });
}

}  // namespace espalier
