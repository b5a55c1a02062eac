// SPDX-License-Identifier: Apache-2.0
#include "layers/max_pool2d.h"

#include "core/checked.h"
#include "layers/partition.h"

namespace espalier {
namespace {

// Saved: for each output the place of its maximum, 32 bits as a float is.
std::uint32_t* Indices(float* saved) { return reinterpret_cast<std::uint32_t*>(saved); }

}  // namespace

MaxPool2d::MaxPool2d(AttributeReader&& reader) : Pooling(reader) { reader.Finish(); }

std::int64_t MaxPool2d::SavedFloats(std::int64_t batch, std::span<const Shape> inputs) const {
  return CheckedMultiply(batch, OutputShape(inputs).element_count());
}

void MaxPool2d::Forward(const ForwardArguments& arguments) const {
  const PoolingGeometry geometry = Geometry(arguments.input_shapes);
  const std::int64_t inputs = geometry.height * geometry.width;
  const std::int64_t outputs = geometry.output_height * geometry.output_width;
  std::uint32_t* indices = Indices(arguments.saved);
  ForRows(*arguments.workspace, arguments.batch * arguments.input_shapes[0][0], inputs,
          [&](std::int64_t first, std::int64_t last) {
            MaxPool(geometry, last - first, arguments.inputs[0] + first * inputs,
                    arguments.output + first * outputs,
                    indices == nullptr ? nullptr : indices + first * outputs);
          });
}

void MaxPool2d::Backward(const BackwardArguments& arguments) const {
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const PoolingGeometry geometry = Geometry(arguments.input_shapes);
  const std::int64_t inputs = geometry.height * geometry.width;
  const std::int64_t outputs = geometry.output_height * geometry.output_width;
  const std::uint32_t* indices = Indices(arguments.saved);
  ForRows(*arguments.workspace, arguments.batch * arguments.input_shapes[0][0], inputs,
          [&](std::int64_t first, std::int64_t last) {
            MaxPoolBackward(geometry, last - first, arguments.grad_output + first * outputs,
                            indices + first * outputs, grad_input + first * inputs);
          });
}

}  // namespace espalier
