// SPDX-License-Identifier: Apache-2.0
#include "layers/max_pool2d.h"

#include "core/checked.h"
#include "layers/partition.h"

namespace espalier {

MaxPool2d::MaxPool2d(AttributeReader&& reader) : Pooling(reader) { reader.Finish(); }

// Saved: for each output which element of its window was the maximum.
LayerMemory MaxPool2d::Memory(std::int64_t batch, std::span<const Shape> inputs,
                              const LayerUse& use) const {
  if (!use.grad_inputs) return {};
  constexpr std::int64_t kFloatBytes = sizeof(float);
  const std::int64_t bytes =
      CheckedMultiply(CheckedMultiply(batch, OutputShape(inputs).element_count()),
                      MaxPoolPlaceBytes(Geometry(inputs)));
  return {.saved = (bytes + kFloatBytes - 1) / kFloatBytes};
}

void MaxPool2d::Forward(const ForwardArguments& arguments) const {
  const PoolingGeometry geometry = Geometry(arguments.input_shapes);
  ForRows(*arguments.workspace, arguments.batch * geometry.output_height,
          WindowRowElements(geometry), [&](std::int64_t first, std::int64_t last) {
            MaxPool(geometry, first, last, arguments.inputs[0], arguments.output, arguments.saved);
          });
}

void MaxPool2d::Backward(const BackwardArguments& arguments) const {
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const PoolingGeometry geometry = Geometry(arguments.input_shapes);
  ForRows(*arguments.workspace, arguments.batch * geometry.height,
          geometry.width * geometry.channels, [&](std::int64_t first, std::int64_t last) {
            MaxPoolBackward(geometry, first, last, arguments.grad_output, arguments.saved,
                            grad_input);
          });
}

}  // namespace espalier
