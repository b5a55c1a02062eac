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
  const std::int64_t inputs = geometry.height * geometry.width;
  const std::int64_t outputs = geometry.output_height * geometry.output_width;
  ForRows(*arguments.workspace, arguments.batch * arguments.input_shapes[0][0], inputs,
          [&](std::int64_t first, std::int64_t last) {
            AveragePool(geometry, last - first, arguments.inputs[0] + first * inputs,
                        arguments.output + first * outputs);
          });
}

void AveragePool2d::Backward(const BackwardArguments& arguments) const {
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const PoolingGeometry geometry = AverageGeometry(arguments.input_shapes);
  const std::int64_t inputs = geometry.height * geometry.width;
  const std::int64_t outputs = geometry.output_height * geometry.output_width;
  ForRows(*arguments.workspace, arguments.batch * arguments.input_shapes[0][0], inputs,
          [&](std::int64_t first, std::int64_t last) {
            AveragePoolBackward(geometry, last - first, arguments.grad_output + first * outputs,
                                grad_input + first * inputs);
          });
}

}  // namespace espalier
