// SPDX-License-Identifier: Apache-2.0
#include "layers/global_average_pool2d.h"

#include <algorithm>

#include "kernels/channels.h"
#include "layers/partition.h"
#include "layers/window.h"

namespace espalier {
namespace {

// Every channel of every example by itself.
ChannelLayout Planes(std::int64_t batch, const Shape& input) {
  return {.batch = 1, .channels = batch * input[0], .spatial = input[1] * input[2]};
}

}  // namespace

GlobalAveragePool2d::GlobalAveragePool2d(const Attributes& attributes) {
  AttributeReader(kKind, attributes).Finish();
}

Shape GlobalAveragePool2d::OutputShape(std::span<const Shape> inputs) const {
  return Shape::Vector(ImageInput(inputs, kKind)[0]);
}

void GlobalAveragePool2d::Forward(const ForwardArguments& arguments) const {
  const ChannelLayout planes = Planes(arguments.batch, arguments.input_shapes[0]);
  const float size = static_cast<float>(planes.spatial);
  ForRows(*arguments.workspace, planes.channels, planes.spatial,
          [&](std::int64_t first, std::int64_t last) {
            ChannelSums(planes, first, last, arguments.inputs[0], arguments.output);
            for (std::int64_t i = first; i < last; ++i) arguments.output[i] /= size;
          });
}

void GlobalAveragePool2d::Backward(const BackwardArguments& arguments) const {
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const ChannelLayout planes = Planes(arguments.batch, arguments.input_shapes[0]);
  const float size = static_cast<float>(planes.spatial);
  ForRows(*arguments.workspace, planes.channels, planes.spatial,
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i) {
              std::fill_n(grad_input + i * planes.spatial, planes.spatial,
                          arguments.grad_output[i] / size);
            }
          });
}

}  // namespace espalier
