// SPDX-License-Identifier: Apache-2.0
#include "layers/global_average_pool2d.h"

#include <algorithm>

#include "kernels/norms/channels.h"
#include "layers/layout.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {

GlobalAveragePool2d::GlobalAveragePool2d(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  keeps_dimensions_ = reader.Flag("keep_dimensions", false);
  reader.Finish();
}

Shape GlobalAveragePool2d::OutputShape(std::span<const Shape> inputs) const {
  const std::int64_t channels = ImageInput(inputs, kKind)[0];
  return keeps_dimensions_ ? Shape::Image(channels, 1, 1) : Shape::Vector(channels);
}

std::int64_t GlobalAveragePool2d::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

void GlobalAveragePool2d::Forward(const ForwardArguments& arguments) const {
  const auto [channels, positions] = LayoutOf(arguments.input_shapes[0]);
  const float size = static_cast<float>(positions);
  ForRows(*arguments.workspace, arguments.batch, positions * channels,
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i) {
              float* y = arguments.output + i * channels;
              SumRows({.rows = positions, .channels = channels},
                      arguments.inputs[0] + i * positions * channels, y);
              for (std::int64_t c = 0; c < channels; ++c) y[c] /= size;
            }
          });
}

void GlobalAveragePool2d::Backward(const BackwardArguments& arguments) const {
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const auto [channels, positions] = LayoutOf(arguments.input_shapes[0]);
  const float size = static_cast<float>(positions);
  ForRows(*arguments.workspace, arguments.batch, positions * channels,
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i) {
              const float* grad = arguments.grad_output + i * channels;
              float* image = grad_input + i * positions * channels;
              for (std::int64_t c = 0; c < channels; ++c) image[c] = grad[c] / size;
              for (std::int64_t p = 1; p < positions; ++p) {
                std::copy_n(image, channels, image + p * channels);
              }
            }
          });
}

}  // namespace espalier
