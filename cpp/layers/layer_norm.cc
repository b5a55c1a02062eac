// SPDX-License-Identifier: Apache-2.0
#include "layers/layer_norm.h"

#include <algorithm>

#include "core/checked.h"
#include "kernels/channels.h"
#include "kernels/layer_normalization.h"
#include "layers/partition.h"
#include "layers/window.h"

namespace espalier {

LayerNorm::LayerNorm(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  epsilon_ = reader.Real("epsilon", 1e-12, 1.0, 1e-5);
  reader.Finish();
}

Shape LayerNorm::OutputShape(std::span<const Shape> inputs) const {
  return OnlyInput(inputs, kKind);
}

std::vector<ParameterSpec> LayerNorm::Parameters(std::span<const Shape> inputs) const {
  const Shape& shape = OnlyInput(inputs, kKind);
  return {{"weight", shape, ParameterRole::kNorm, {.name = "constant", .value = 1.0}},
          {"bias", shape, ParameterRole::kNorm, {}}};
}

// Saved: mean and variance of each example.
std::int64_t LayerNorm::SavedFloats(std::int64_t batch, std::span<const Shape> /*inputs*/) const {
  return CheckedMultiply(2, batch);
}

void LayerNorm::Forward(const ForwardArguments& arguments) const {
  const std::int64_t columns = arguments.input_shapes[0].element_count();
  ForRows(*arguments.workspace, arguments.batch, columns,
          [&](std::int64_t first, std::int64_t last) {
            constexpr std::int64_t kRun = 32;  // rows whose statistics are kept on the stack
            float means[kRun];
            float variances[kRun];
            for (std::int64_t begin = first; begin < last; begin += kRun) {
              const ChannelLayout rows = {
                  .batch = 1, .channels = std::min(kRun, last - begin), .spatial = columns};
              float* saved = arguments.saved;
              float* mean = saved == nullptr ? means : saved + begin;
              float* variance = saved == nullptr ? variances : saved + arguments.batch + begin;
              const float* x = arguments.inputs[0] + begin * columns;
              ChannelMoments(rows, 0, rows.channels, x, mean, variance);
              NormalizeRows({.columns = columns,
                             .epsilon = static_cast<float>(epsilon_),
                             .mean = mean,
                             .variance = variance,
                             .weight = arguments.parameters[0],
                             .bias = arguments.parameters[1]},
                            0, rows.channels, x, arguments.output + begin * columns);
            }
          });
}

void LayerNorm::Backward(const BackwardArguments& arguments) const {
  const std::int64_t batch = arguments.batch;
  const std::int64_t columns = arguments.input_shapes[0].element_count();
  const RowNormalization normalization = {.columns = columns,
                                          .epsilon = static_cast<float>(epsilon_),
                                          .mean = arguments.saved,
                                          .variance = arguments.saved + batch,
                                          .weight = arguments.parameters[0],
                                          .bias = arguments.parameters[1]};
  const float* x = arguments.inputs[0];
  if (float* grad_input = arguments.grad_inputs[0]) {
    ForRows(*arguments.workspace, batch, columns, [&](std::int64_t first, std::int64_t last) {
      NormalizeRowsBackward(normalization, first, last, x, arguments.grad_output, grad_input);
    });
  }
  float* grad_weight = arguments.grad_parameters[0];
  float* grad_bias = arguments.grad_parameters[1];
  if (grad_weight == nullptr && grad_bias == nullptr) return;
  ForColumns(*arguments.workspace, columns, batch, [&](std::int64_t first, std::int64_t last) {
    NormalizeRowsBackwardParameters(normalization, batch, first, last, x, arguments.grad_output,
                                    grad_weight, grad_bias);
  });
}

}  // namespace espalier
