// SPDX-License-Identifier: Apache-2.0
#include "layers/batch_norm.h"

#include <cmath>

#include "layers/partition.h"
#include "layers/window.h"

namespace espalier {
namespace {

enum Parameter { kWeight, kBias, kRunningMean, kRunningVariance };

ChannelLayout Layout(std::int64_t batch, const Shape& input) {
  return {.batch = batch, .channels = input[0], .spatial = input.element_count() / input[0]};
}

template <typename Body>
void ForChannels(Workspace& workspace, const ChannelLayout& layout, Body body) {
  if (layout.spatial > 1) {
    ForRows(workspace, layout.channels, layout.per_channel(), body);
  } else {
    ForColumns(workspace, layout.channels, layout.batch, body);
  }
}

// Parts of `saved`, a number per channel each: the batch's statistics from forward on, and
// room for backward's two sums.
struct Saved {
  float* mean;
  float* variance;
  float* sums;
  float* products;

  Saved(float* saved, std::int64_t channels)
      : mean(saved),
        variance(saved + channels),
        sums(saved + 2 * channels),
        products(saved + 3 * channels) {}
};

}  // namespace

BatchNorm::BatchNorm(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  momentum_ = reader.Real("momentum", 0.0, 1.0, 0.1);
  epsilon_ = reader.Real("epsilon", 1e-12, 1.0, 1e-5);
  reader.Finish();
}

Attributes BatchNorm::attributes() const {
  return {{"momentum", momentum_}, {"epsilon", epsilon_}};
}

Shape BatchNorm::OutputShape(std::span<const Shape> inputs) const {
  return OnlyInput(inputs, kKind);
}

std::vector<ParameterSpec> BatchNorm::Parameters(std::span<const Shape> inputs) const {
  const Shape channels{OnlyInput(inputs, kKind)[0]};
  const InitializerSpec ones = {.name = "constant", .value = 1.0};
  return {{"weight", channels, ParameterRole::kNorm, ones},
          {"bias", channels, ParameterRole::kNorm, {}},
          {"running_mean", channels, ParameterRole::kBuffer, {}},
          {"running_var", channels, ParameterRole::kBuffer, ones}};
}

std::int64_t BatchNorm::SavedFloats(std::int64_t /*batch*/, std::span<const Shape> inputs) const {
  return 4 * OnlyInput(inputs, kKind)[0];
}

ChannelNormalization BatchNorm::Normalization(std::int64_t batch, const Shape& input,
                                              std::span<const float* const> parameters) const {
  return {
      .layout = Layout(batch, input),
      .epsilon = static_cast<float>(epsilon_),
      .mean = parameters[kRunningMean],
      .variance = parameters[kRunningVariance],
      .weight = parameters[kWeight],
      .bias = parameters[kBias],
  };
}

void BatchNorm::Forward(const ForwardArguments& arguments) const {
  ChannelNormalization normalization =
      Normalization(arguments.batch, arguments.input_shapes[0], arguments.parameters);
  const ChannelLayout& layout = normalization.layout;
  const bool is_training = arguments.mode == Mode::kTraining;
  const Saved saved(arguments.saved, is_training ? layout.channels : 0);
  if (is_training) {
    normalization.mean = saved.mean;
    normalization.variance = saved.variance;
  }
  ForChannels(*arguments.workspace, layout, [&](std::int64_t first, std::int64_t last) {
    if (is_training) {
      ChannelMoments(layout, first, last, arguments.inputs[0], saved.mean, saved.variance);
    }
    NormalizeChannels(normalization, first, last, arguments.inputs[0], arguments.output);
  });
}

void BatchNorm::Backward(const BackwardArguments& arguments) const {
  ChannelNormalization normalization =
      Normalization(arguments.batch, arguments.input_shapes[0], arguments.parameters);
  const ChannelLayout& layout = normalization.layout;
  const bool is_training = arguments.mode == Mode::kTraining;
  const Saved saved(arguments.saved, layout.channels);
  if (is_training) {
    normalization.mean = saved.mean;
    normalization.variance = saved.variance;
  }
  float* grad_input = arguments.grad_inputs[0];
  float* grad_weight = arguments.grad_parameters[kWeight];
  float* grad_bias = arguments.grad_parameters[kBias];
  const bool needs_sums =
      grad_weight != nullptr || grad_bias != nullptr || (is_training && grad_input != nullptr);
  ForChannels(*arguments.workspace, layout, [&](std::int64_t first, std::int64_t last) {
    if (needs_sums) {
      ChannelGradientSums(layout, first, last, arguments.inputs[0], normalization.mean,
                          arguments.grad_output, saved.sums, saved.products);
    }
    for (std::int64_t c = first; c < last; ++c) {
      const float deviation = std::sqrt(normalization.variance[c] + normalization.epsilon);
      if (grad_weight != nullptr) grad_weight[c] = saved.products[c] / deviation;
      if (grad_bias != nullptr) grad_bias[c] = saved.sums[c];
    }
    if (grad_input != nullptr) {
      NormalizeChannelsBackward(normalization, first, last, arguments.inputs[0],
                                arguments.grad_output, is_training ? saved.sums : nullptr,
                                is_training ? saved.products : nullptr, grad_input);
    }
  });
}

void BatchNorm::UpdateBuffers(std::int64_t batch, std::span<const Shape> inputs, const float* saved,
                              std::span<float* const> parameters) const {
  const ChannelLayout layout = Layout(batch, inputs[0]);
  const double count = static_cast<double>(layout.per_channel());
  if (layout.per_channel() < 2) return;
  const float* mean = saved;
  const float* variance = saved + layout.channels;
  const auto move = [&](float& running, double value) {
    running =
        static_cast<float>((1.0 - momentum_) * static_cast<double>(running) + momentum_ * value);
  };
  for (std::int64_t c = 0; c < layout.channels; ++c) {
    move(parameters[kRunningMean][c], static_cast<double>(mean[c]));
    move(parameters[kRunningVariance][c],
         static_cast<double>(variance[c]) * (count / (count - 1.0)));
  }
}

}  // namespace espalier
