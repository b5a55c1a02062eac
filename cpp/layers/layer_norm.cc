// SPDX-License-Identifier: Apache-2.0
#include "layers/layer_norm.h"

#include <algorithm>

#include "core/checked.h"
#include "kernels/norms/layer_normalization.h"
#include "layers/layout.h"
#include "layers/partition.h"
#include "layers/per_position.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {

LayerNorm::LayerNorm(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  epsilon_ = reader.Real("epsilon", 1e-12, 1.0, 1e-5);
  reader.Flag(PerPosition::kAttribute, false);
  reader.Finish();
}

Shape LayerNorm::OutputShape(std::span<const Shape> inputs) const {
  return OnlyInput(inputs, kKind);
}

std::int64_t LayerNorm::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

std::vector<ParameterSpec> LayerNorm::Parameters(std::span<const Shape> inputs) const {
  const Shape& shape = OnlyInput(inputs, kKind);
  return {{"weight", shape, ParameterRole::kNorm, {.name = "constant", .value = 1.0}},
          {"bias", shape, ParameterRole::kNorm, {}}};
}

// Saved: mean and variance of each example. Temporary, if the values lie in another order than
// the parameters: weight and bias in that of the values, and in Backward their gradients.
LayerMemory LayerNorm::Memory(std::int64_t batch, std::span<const Shape> inputs,
                              const LayerUse& /*use*/) const {
  const Shape& shape = OnlyInput(inputs, kKind);
  const std::int64_t moved = LiesAsOutside(shape) ? 0 : CheckedMultiply(2, shape.element_count());
  return {.saved = CheckedMultiply(2, batch),
          .forward = moved,
          .backward = moved,
          .reads_inputs = true};
}

void NormalizeExamples(const Shape& shape, double epsilon, std::int64_t batch, const float* x,
                       const float* weight, const float* bias, float* y,
                       const ExampleStatistics& statistics, Workspace& workspace) {
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
                     .epsilon = static_cast<float>(epsilon),
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
  ExampleStatistics statistics;
  if (arguments.saved != nullptr) {
    statistics = {arguments.saved, arguments.saved + arguments.batch};
    if (!LiesAsOutside(shape)) {
      float* const moved_weight = arguments.temporary;
      float* const moved_bias = moved_weight + shape.element_count();
      ToChannelsLast(shape, 1, weight, moved_weight, *arguments.workspace);
      ToChannelsLast(shape, 1, bias, moved_bias, *arguments.workspace);
      weight = moved_weight;
      bias = moved_bias;
    }
  }
  NormalizeExamples(shape, epsilon_, arguments.batch, arguments.inputs[0], weight, bias,
                    arguments.output, statistics, *arguments.workspace);
}

void LayerNorm::Backward(const BackwardArguments& arguments) const {
  const std::int64_t batch = arguments.batch;
  const Shape& shape = arguments.input_shapes[0];
  const std::int64_t columns = shape.element_count();
  const bool is_moved = !LiesAsOutside(shape);
  // The weight's place takes its gradient once the input's is known.
  float* const moved_weight = arguments.temporary;
  float* const moved_bias = is_moved ? moved_weight + columns : nullptr;
  const RowNormalization normalization = {
      .columns = columns,
      .epsilon = static_cast<float>(epsilon_),
      .mean = arguments.saved,
      .variance = arguments.saved + batch,
      .weight = is_moved ? moved_weight : arguments.parameters[0],
      .bias = nullptr};
  const float* x = arguments.inputs[0];
  if (float* grad_input = arguments.grad_inputs[0]) {
    if (is_moved) {
      ToChannelsLast(shape, 1, arguments.parameters[0], moved_weight, *arguments.workspace);
    }
    ForRows(*arguments.workspace, batch, columns, [&](std::int64_t first, std::int64_t last) {
      NormalizeRowsBackward(normalization, first, last, x, arguments.grad_output, grad_input);
    });
  }
  float* grad_weight = arguments.grad_parameters[0];
  float* grad_bias = arguments.grad_parameters[1];
  if (grad_weight == nullptr && grad_bias == nullptr) return;
  float* weight_sums = is_moved ? moved_weight : grad_weight;
  float* bias_sums = is_moved ? moved_bias : grad_bias;
  ForColumns(*arguments.workspace, columns, batch, [&](std::int64_t first, std::int64_t last) {
    NormalizeRowsBackwardParameters(normalization, batch, first, last, x, arguments.grad_output,
                                    weight_sums, bias_sums);
  });
  if (!is_moved) return;
  if (grad_weight != nullptr) {
    ToChannelsFirst(shape, 1, weight_sums, grad_weight, *arguments.workspace);
  }
  if (grad_bias != nullptr) ToChannelsFirst(shape, 1, bias_sums, grad_bias, *arguments.workspace);
}

}  // namespace espalier
