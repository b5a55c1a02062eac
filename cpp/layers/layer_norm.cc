// SPDX-License-Identifier: Apache-2.0
#include "layers/layer_norm.h"

#include <algorithm>

#include "core/checked.h"
#include "kernels/layer_normalization.h"
#include "layers/layout.h"
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

namespace {

// Parts of `saved`: statistics of each example; then, if the values lie in another order than
// the parameters, weight and bias in that of the values, and in backward their gradients.
struct Saved {
  LayerNorm::Statistics statistics;
  float* weight;
  float* bias;

  Saved(float* saved, std::int64_t batch, std::int64_t columns)
      : statistics{saved, saved + batch},
        weight(saved + 2 * batch),
        bias(saved + 2 * batch + columns) {}
};

}  // namespace

std::int64_t LayerNorm::SavedFloats(std::int64_t batch, std::span<const Shape> inputs) const {
  const Shape& shape = OnlyInput(inputs, kKind);
  return CheckedAdd(CheckedMultiply(2, batch),
                    LiesAsOutside(shape) ? 0 : 2 * shape.element_count());
}

void LayerNorm::Normalize(const Shape& shape, std::int64_t batch, const float* x,
                          const float* weight, const float* bias, float* y,
                          const Statistics& statistics, Workspace& workspace) const {
  const std::int64_t columns = shape.element_count();
  ForRows(workspace, batch, columns, [&](std::int64_t first, std::int64_t last) {
    constexpr std::int64_t kRun = 32;  // rows whose statistics are kept on the stack
    float means[kRun];
    float variances[kRun];
    for (std::int64_t begin = first; begin < last; begin += kRun) {
      const std::int64_t rows = std::min(kRun, last - begin);
      float* mean = statistics.mean == nullptr ? means : statistics.mean + begin;
      float* variance = statistics.variance == nullptr ? variances : statistics.variance + begin;
      RowMoments(columns, 0, rows, x + begin * columns, mean, variance);
      NormalizeRows({.columns = columns,
                     .epsilon = static_cast<float>(epsilon_),
                     .mean = mean,
                     .variance = variance,
                     .weight = weight,
                     .bias = bias},
                    0, rows, x + begin * columns, y + begin * columns);
    }
  });
}

void LayerNorm::Forward(const ForwardArguments& arguments) const {
  const Shape& shape = arguments.input_shapes[0];
  const float* weight = arguments.parameters[0];
  const float* bias = arguments.parameters[1];
  Statistics statistics;
  if (arguments.saved != nullptr) {
    const Saved saved(arguments.saved, arguments.batch, shape.element_count());
    statistics = saved.statistics;
    if (!LiesAsOutside(shape)) {
      MoveInside(shape, 1, weight, saved.weight, *arguments.workspace);
      MoveInside(shape, 1, bias, saved.bias, *arguments.workspace);
      weight = saved.weight;
      bias = saved.bias;
    }
  }
  Normalize(shape, arguments.batch, arguments.inputs[0], weight, bias, arguments.output, statistics,
            *arguments.workspace);
}

void LayerNorm::Backward(const BackwardArguments& arguments) const {
  const std::int64_t batch = arguments.batch;
  const Shape& shape = arguments.input_shapes[0];
  const std::int64_t columns = shape.element_count();
  const bool is_moved = !LiesAsOutside(shape);
  const Saved saved(arguments.saved, batch, columns);
  const RowNormalization normalization = {
      .columns = columns,
      .epsilon = static_cast<float>(epsilon_),
      .mean = saved.statistics.mean,
      .variance = saved.statistics.variance,
      .weight = is_moved ? saved.weight : arguments.parameters[0],
      .bias = is_moved ? saved.bias : arguments.parameters[1]};
  const float* x = arguments.inputs[0];
  if (float* grad_input = arguments.grad_inputs[0]) {
    ForRows(*arguments.workspace, batch, columns, [&](std::int64_t first, std::int64_t last) {
      NormalizeRowsBackward(normalization, first, last, x, arguments.grad_output, grad_input);
    });
  }
  float* grad_weight = arguments.grad_parameters[0];
  float* grad_bias = arguments.grad_parameters[1];
  if (grad_weight == nullptr && grad_bias == nullptr) return;
  float* weight_sums = is_moved ? saved.weight : grad_weight;
  float* bias_sums = is_moved ? saved.bias : grad_bias;
  ForColumns(*arguments.workspace, columns, batch, [&](std::int64_t first, std::int64_t last) {
    NormalizeRowsBackwardParameters(normalization, batch, first, last, x, arguments.grad_output,
                                    weight_sums, bias_sums);
  });
  if (!is_moved) return;
  if (grad_weight != nullptr) {
    MoveOutside(shape, 1, weight_sums, grad_weight, *arguments.workspace);
  }
  if (grad_bias != nullptr) MoveOutside(shape, 1, bias_sums, grad_bias, *arguments.workspace);
}

}  // namespace espalier
