// SPDX-License-Identifier: Apache-2.0
#include "layers/average_pool2d.h"

#include "layers/partition.h"

namespace espalier {

AveragePool2d::AveragePool2d(AttributeReader&& reader) : Pooling(reader) {
  counts_padding_ = reader.Flag("count_include_pad", true);
  reader.Finish();
}

Attributes AveragePool2d::attributes() const {
  Attributes result = Pooling::attributes();
  result["count_include_pad"] = counts_padding_;
  return result;
}

PoolingGeometry AveragePool2d::AverageGeometry(std::span<const Shape> inputs) const {
  PoolingGeometry geometry = Geometry(inputs);
  geometry.counts_padding = counts_padding_;
  return geometry;
}

void AveragePool2d::Forward(const ForwardArguments& arguments) const {
  const PoolingGeometry geometry = AverageGeometry(arguments.input_shapes);
  ForRows(*arguments.workspace, arguments.batch * geometry.output_height,
          WindowRowElements(geometry), [&](std::int64_t first, std::int64_t last) {
            AveragePool(geometry, first, last, arguments.inputs[0], arguments.output);
          });
}

void AveragePool2d::Backward(const BackwardArguments& arguments) const {
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const PoolingGeometry geometry = AverageGeometry(arguments.input_shapes);
  ForRows(*arguments.workspace, arguments.batch * geometry.height,
          geometry.width * geometry.channels, [&](std::int64_t first, std::int64_t last) {
            AveragePoolBackward(geometry, first, last, arguments.grad_output, grad_input);
          });
}

}  // namespace espalier
