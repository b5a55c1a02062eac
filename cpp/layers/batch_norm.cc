// SPDX-License-Identifier: Apache-2.0
#include "layers/batch_norm.h"

#include <cmath>

#include "kernels/norms/batch_normalization.h"
#include "kernels/norms/channels.h"
#include "layers/layout.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {
namespace {

enum Parameter { kWeight, kBias, kRunningMean, kRunningVariance };

ChannelLayout ChannelsOf(std::int64_t batch, const Shape& input) {
  const auto [channels, positions] = LayoutOf(input);
  return {.rows = batch * positions, .channels = channels};
}

double Unbiased(float variance, std::int64_t rows) {
  const double count = static_cast<double>(rows);
  return static_cast<double>(variance) * (count / (count - 1.0));
}

// Parts of `saved`, a number per channel each: the batch's statistics and weight / deviation.
template <typename Float>
struct Saved {
  Float* mean;
  Float* variance;
  Float* scale;

  static constexpr std::int64_t kParts = 3;

  Saved(Float* saved, std::int64_t channels)
      : mean(saved), variance(saved + channels), scale(saved + 2 * channels) {}
};

// True if Backward reads the results of an activation; else it makes them again from the input,
// which it reads anyway.
bool ReadsResults(Mode mode, Activation activation, bool has_residual) {
  if (activation == Activation::kNone) return false;
  return mode != Mode::kTraining || has_residual || !IsPiecewiseLinear(activation);
}

// Parts of `temporary` in Backward, if there is one: sums per channel, then those of chunks of
// rows.
struct Sums {
  float* sums = nullptr;
  float* products = nullptr;
  float* partials = nullptr;

  static constexpr std::int64_t kParts = 2;

  Sums(float* temporary, std::int64_t channels) {
    if (temporary == nullptr) return;
    sums = temporary;
    products = temporary + channels;
    partials = temporary + kParts * channels;
  }
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

std::int64_t BatchNorm::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

std::vector<ParameterSpec> BatchNorm::Parameters(std::span<const Shape> inputs) const {
  const Shape channels{OnlyInput(inputs, kKind)[0]};
  const InitializerSpec ones = {.name = "constant", .value = 1.0};
  return {{"weight", channels, ParameterRole::kNorm, ones},
          {"bias", channels, ParameterRole::kNorm, {}},
          {"running_mean", channels, ParameterRole::kBuffer, {}},
          {"running_var", channels, ParameterRole::kBuffer, ones}};
}

LayerMemory BatchNorm::Memory(std::int64_t batch, std::span<const Shape> inputs,
                              const LayerUse& use) const {
  const ChannelLayout layout = ChannelsOf(batch, OnlyInput(inputs, kKind));
  const bool is_training = use.mode == Mode::kTraining;
  const bool sums = is_training || use.grad_parameters;
  const std::int64_t partials = ChannelPartialFloats(layout);
  return {.saved = Saved<float>::kParts * layout.channels,
          .forward = is_training ? partials : 0,
          .backward = sums ? Sums::kParts * layout.channels + partials : 0,
          .reads_inputs = sums,
          .reads_output = ReadsResults(use.mode, use.activation, use.has_residual)};
}

void BatchNorm::Forward(const ForwardArguments& arguments) const {
  const ChannelLayout layout = ChannelsOf(arguments.batch, arguments.input_shapes[0]);
  const Saved<float> saved(arguments.saved, layout.channels);
  const float* x = arguments.inputs[0];
  const float* mean = arguments.parameters[kRunningMean];
  const float* variance = arguments.parameters[kRunningVariance];
  if (arguments.mode == Mode::kTraining) {
    ChannelMoments(layout, x, saved.mean, saved.variance, arguments.temporary,
                   *arguments.workspace);
    mean = saved.mean;
    variance = saved.variance;
  }
  NormalizationScales(layout.channels, arguments.parameters[kWeight], variance,
                      static_cast<float>(epsilon_), saved.scale);
  const ChannelScaling scaling = {.channels = layout.channels,
                                  .mean = mean,
                                  .scale = saved.scale,
                                  .bias = arguments.parameters[kBias],
                                  .activation = arguments.activation,
                                  .slope = arguments.slope,
                                  .residual = arguments.residual};
  ForRows(*arguments.workspace, layout.rows, layout.channels,
          [&](std::int64_t first, std::int64_t last) {
            ScaleChannels(scaling, first, last, x, arguments.output);
          });
}

void BatchNorm::Backward(const BackwardArguments& arguments) const {
  const ChannelLayout layout = ChannelsOf(arguments.batch, arguments.input_shapes[0]);
  const bool is_training = arguments.mode == Mode::kTraining;
  const Saved<const float> saved(arguments.saved, layout.channels);
  const auto [sums, products, partials] = Sums(arguments.temporary, layout.channels);
  const float* mean = is_training ? saved.mean : arguments.parameters[kRunningMean];
  const float* variance = is_training ? saved.variance : arguments.parameters[kRunningVariance];
  const float* x = arguments.inputs[0];
  float* grad_input = arguments.grad_inputs[0];
  float* grad_weight = arguments.grad_parameters[kWeight];
  float* grad_bias = arguments.grad_parameters[kBias];
  const bool reads_results =
      ReadsResults(arguments.mode, arguments.activation, arguments.has_residual);
  // Of the results where they are read, in a pass before those over x or beside the first.
  const ResultGradient of_results = {.activation = arguments.activation,
                                     .slope = arguments.slope,
                                     .y = arguments.output,
                                     .grad_y = arguments.grad_output,
                                     .grad = arguments.grad_before_activation};
  const ChannelScaling scaling = {
      .channels = layout.channels,
      .mean = mean,
      .scale = saved.scale,
      .bias = arguments.parameters[kBias],
      .activation = reads_results ? Activation::kNone : arguments.activation,
      .slope = arguments.slope};
  const float* grad = reads_results ? of_results.grad : arguments.grad_output;
  Workspace& workspace = *arguments.workspace;
  const bool needs_sums =
      grad_weight != nullptr || grad_bias != nullptr || (is_training && grad_input != nullptr);
  if (needs_sums && reads_results) {
    ChannelGradientSums(layout, x, mean, of_results, sums, products, partials, workspace);
  } else if (needs_sums) {
    ChannelGradientSums(layout, scaling, x, grad, sums, products, partials, workspace);
  }
  const float share = 1.0f / static_cast<float>(layout.rows);
  for (std::int64_t c = 0; c < layout.channels; ++c) {
    const float deviation = std::sqrt(variance[c] + static_cast<float>(epsilon_));
    if (grad_weight != nullptr) grad_weight[c] = products[c] / deviation;
    if (grad_bias != nullptr) grad_bias[c] = sums[c];
    if (!is_training || grad_input == nullptr) continue;
    // From here on the average of the gradient, and what a unit of x - mean takes from it.
    sums[c] *= share;
    products[c] *= share * saved.scale[c] / (deviation * deviation);
  }
  const ChannelScalingGradient gradient = {.channels = layout.channels,
                                           .mean = mean,
                                           .scale = saved.scale,
                                           .average = sums,
                                           .slope = products};
  ForRows(workspace, layout.rows, layout.channels, [&](std::int64_t first, std::int64_t last) {
    if (reads_results && !needs_sums) GradientOfRows(of_results, layout.channels, first, last);
    if (grad_input == nullptr) return;
    if (is_training) {
      ScaleChannelsBackward(gradient, scaling, first, last, x, grad, grad_input);
    } else {
      ScaleChannelsBackward(layout.channels, saved.scale, first, last, grad, grad_input);
    }
  });
}

void BatchNorm::UpdateBuffers(std::int64_t batch, std::span<const Shape> inputs, const float* saved,
                              std::span<float* const> parameters) const {
  const ChannelLayout layout = ChannelsOf(batch, inputs[0]);
  if (layout.rows < 2) return;
  const float* mean = saved;
  const float* variance = saved + layout.channels;
  const auto move = [&](float& running, double value) {
    running =
        static_cast<float>((1.0 - momentum_) * static_cast<double>(running) + momentum_ * value);
  };
  for (std::int64_t c = 0; c < layout.channels; ++c) {
    move(parameters[kRunningMean][c], static_cast<double>(mean[c]));
    move(parameters[kRunningVariance][c], Unbiased(variance[c], layout.rows));
  }
}

// Squares leave float's range where values do not: from 2e19 on.
bool BatchNorm::HasFiniteStatistics(std::int64_t batch, std::span<const Shape> inputs,
                                    const float* saved) const {
  const ChannelLayout layout = ChannelsOf(batch, inputs[0]);
  if (layout.rows < 2) return true;
  for (std::int64_t c = 0; c < layout.channels; ++c) {
    const double variance = Unbiased(saved[layout.channels + c], layout.rows);
    if (!std::isfinite(saved[c]) || !std::isfinite(static_cast<float>(variance))) return false;
  }
  return true;
}

}  // namespace espalier
