// SPDX-License-Identifier: Apache-2.0
#include "layers/gather.h"

#include <algorithm>
#include <cstring>

#include "core/text.h"
#include "kernels/elementwise/elementwise.h"
#include "layers/partition.h"
#include "layers/strides.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {

Gather::Gather(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  indices_ = reader.List("indices", -Shape::kMaxElements, Shape::kMaxElements - 1,
                         static_cast<std::size_t>(kMaxUnits));
  axis_ = reader.Whole("axis", -Shape::kMaxRank, Shape::kMaxRank - 1, 0);
  reader.Finish();
  if (indices_.empty()) {
    // As good as indices_, of whose copy GCC 14 says that it is out of bounds.
    reader.FailAt("indices", "at least one", std::vector<std::int64_t>());
  }
}

Shape Gather::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  const int axis = ResolveAxis(axis_, input.rank(), kKind);
  for (const std::int64_t index : indices_) {
    if (index >= -input[axis] && index < input[axis]) continue;
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected indices below ", input[axis],
         " in dimension ", axis, " of ", input.ToString(), ", got ", index);
  }
  std::vector<std::int64_t> dimensions(input.dimensions().begin(), input.dimensions().end());
  dimensions[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(indices_.size());
  return Shape(dimensions);
}

std::int64_t Gather::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

void Gather::Forward(const ForwardArguments& arguments) const {
  const Shape& input = arguments.input_shapes[0];
  const AxisSplit split = SplitAt(input, ResolveAxis(axis_, input.rank(), kKind), arguments.layout);
  const std::int64_t row = split.size * split.inner;
  const std::int64_t picked = static_cast<std::int64_t>(indices_.size()) * split.inner;
  ForRows(*arguments.workspace, arguments.batch * split.outer, picked,
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t r = first; r < last; ++r) {
              const float* x = arguments.inputs[0] + r * row;
              float* y = arguments.output + r * picked;
              for (std::int64_t i : indices_) {
                if (i < 0) i += split.size;
                std::memcpy(y, x + i * split.inner,
                            static_cast<std::size_t>(split.inner) * sizeof(float));
                y += split.inner;
              }
            }
          });
}

void Gather::Backward(const BackwardArguments& arguments) const {
  float* const grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const Shape& input = arguments.input_shapes[0];
  const AxisSplit split = SplitAt(input, ResolveAxis(axis_, input.rank(), kKind), arguments.layout);
  const std::int64_t row = split.size * split.inner;
  const std::int64_t picked = static_cast<std::int64_t>(indices_.size()) * split.inner;
  ForRows(*arguments.workspace, arguments.batch * split.outer, std::max(row, picked),
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t r = first; r < last; ++r) {
              float* const sums = grad_input + r * row;
              const float* grad = arguments.grad_output + r * picked;
              std::fill_n(sums, row, 0.0f);
              for (std::int64_t i : indices_) {
                if (i < 0) i += split.size;
                float* const to = sums + i * split.inner;
                if (split.inner == 1) {
                  *to += *grad;
                } else {
                  AddArrays(to, grad, split.inner, to);
                }
                grad += split.inner;
              }
            }
          });
}

}  // namespace espalier
