// SPDX-License-Identifier: Apache-2.0
#include "layers/per_position.h"

#include "core/checked.h"
#include "layers/positions.h"

namespace espalier {
namespace {

Shape Row(const Shape& shape) { return Shape::Vector(WidthOf(shape)); }

}  // namespace

Attributes PerPosition::attributes() const {
  Attributes result = layer_->attributes();
  result[kAttribute] = true;
  return result;
}

Shape PerPosition::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = PositionsInput(inputs, kind());
  const Shape row = Row(input);
  std::vector<std::int64_t> dimensions(input.dimensions().begin(), input.dimensions().end());
  dimensions.back() = layer_->OutputShape({&row, 1})[0];
  return Shape(dimensions);
}

std::int64_t PerPosition::Work(std::span<const Shape> inputs) const {
  const Shape& input = PositionsInput(inputs, kind());
  const Shape row = Row(input);
  return SaturatedMultiply(PositionsOf(input), layer_->Work({&row, 1}));
}

std::vector<ParameterSpec> PerPosition::Parameters(std::span<const Shape> inputs) const {
  const Shape row = Row(PositionsInput(inputs, kind()));
  return layer_->Parameters({&row, 1});
}

LayerMemory PerPosition::Memory(std::int64_t batch, std::span<const Shape> inputs,
                                const LayerUse& use) const {
  const Shape& input = PositionsInput(inputs, kind());
  const Shape row = Row(input);
  return layer_->Memory(CheckedMultiply(batch, PositionsOf(input)), {&row, 1}, use);
}

std::int64_t PerPosition::ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const {
  const Shape& input = PositionsInput(inputs, kind());
  const Shape row = Row(input);
  return layer_->ScratchFloats(CheckedMultiply(batch, PositionsOf(input)), {&row, 1});
}

void PerPosition::Forward(const ForwardArguments& arguments) const {
  const Shape row = Row(arguments.input_shapes[0]);
  ForwardArguments rows = arguments;
  rows.batch = arguments.batch * PositionsOf(arguments.input_shapes[0]);
  rows.input_shapes = {&row, 1};
  rows.output_shape = Row(arguments.output_shape);
  layer_->Forward(rows);
}

void PerPosition::Backward(const BackwardArguments& arguments) const {
  const Shape row = Row(arguments.input_shapes[0]);
  BackwardArguments rows = arguments;
  rows.batch = arguments.batch * PositionsOf(arguments.input_shapes[0]);
  rows.input_shapes = {&row, 1};
  rows.output_shape = Row(arguments.output_shape);
  layer_->Backward(rows);
}

}  // namespace espalier
