// SPDX-License-Identifier: Apache-2.0
#include "layers/position_embedding.h"

#include <algorithm>
#include <cstring>

#include "core/text.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/reductions/reduction.h"
#include "layers/attribute_reader.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {

PositionEmbedding::PositionEmbedding(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  max_length_ = reader.Whole("max_length", 1, kMaxUnits);
  reader.Finish();
}

Shape PositionEmbedding::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  if (input.rank() != 2 || input[0] > max_length_) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected an input [length, width] of at most ",
         max_length_, " positions, got ", input.ToString());
  }
  return input;
}

std::int64_t PositionEmbedding::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

std::vector<ParameterSpec> PositionEmbedding::Parameters(std::span<const Shape> inputs) const {
  // 1 / 2500 = 0.02².
  return {{.name = "weight",
           .shape = Shape{max_length_, OnlyInput(inputs, kKind)[1]},
           .role = ParameterRole::kWeight,
           .initializer = {.name = "lecun_normal", .fan_in = 2500}}};
}

void PositionEmbedding::Forward(const ForwardArguments& arguments) const {
  const std::int64_t floats = arguments.output_shape.element_count();
  const float* weight = arguments.parameters[0];
  ForRows(*arguments.workspace, arguments.batch, floats,
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i) {
              AddArrays(arguments.inputs[0] + i * floats, weight, floats,
                        arguments.output + i * floats);
            }
          });
}

void PositionEmbedding::Backward(const BackwardArguments& arguments) const {
  const std::int64_t floats = arguments.output_shape.element_count();
  Workspace& workspace = *arguments.workspace;
  const float* grad = arguments.grad_output;
  if (float* grad_weight = arguments.grad_parameters[0]) {
    ForColumns(workspace, floats, arguments.batch, [&](std::int64_t first, std::int64_t last) {
      ColumnSums(grad + first, arguments.batch, last - first, floats, grad_weight + first);
    });
    std::fill(grad_weight + floats, grad_weight + max_length_ * arguments.output_shape[1], 0.0f);
  }
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  ForElements(workspace, arguments.batch * floats, [&](std::int64_t first, std::int64_t last) {
    std::memcpy(grad_input + first, grad + first,
                static_cast<std::size_t>(last - first) * sizeof(float));
  });
}

}  // namespace espalier
