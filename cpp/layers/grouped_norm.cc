// SPDX-License-Identifier: Apache-2.0
#include "layers/grouped_norm.h"

#include <algorithm>
#include <cmath>

#include "core/checked.h"
#include "kernels/norms/batch_normalization.h"
#include "kernels/norms/channels.h"
#include "kernels/reductions/reduction.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {
namespace {

// A gradient's sums of one example: for the bias, then for the weight.
constexpr std::int64_t kSumParts = 2;

// One example.
struct Groups {
  std::int64_t channels;
  std::int64_t positions;
  std::int64_t count;

  std::int64_t size() const { return channels / count; }
  std::int64_t elements() const { return channels * positions; }
  double share() const { return 1.0 / static_cast<double>(size() * positions); }
  ChannelLayout layout() const { return {.rows = positions, .channels = channels}; }
};

struct Moments {
  double mean;
  double variance;
};

// Of one group, from its channels' means and sums of squares about these (Chan, Golub and LeVeque,
// 1979).
Moments CombineChannels(const Groups& groups, const float* mean, const float* squares) {
  double sum = 0.0;
  for (std::int64_t c = 0; c < groups.size(); ++c) sum += static_cast<double>(mean[c]);
  const double center = sum / static_cast<double>(groups.size());
  double total = 0.0;
  for (std::int64_t c = 0; c < groups.size(); ++c) {
    const double apart = static_cast<double>(mean[c]) - center;
    total +=
        static_cast<double>(squares[c]) + static_cast<double>(groups.positions) * apart * apart;
  }
  return {center, total * groups.share()};
}

// A worker's scratch: numbers per channel.
struct ChannelNumbers {
  float* mean;
  float* scale;
  float* bias;
  float* weight;
  float* average;
  float* slope;

  static constexpr std::int64_t kParts = 6;

  ChannelNumbers(float* scratch, std::int64_t channels)
      : mean(scratch),
        scale(scratch + channels),
        bias(scratch + 2 * channels),
        weight(scratch + 3 * channels),
        average(scratch + 4 * channels),
        slope(scratch + 5 * channels) {}
};

// `average` and `slope` come with each channel's sum of the gradient and of gradient · (x - mean),
// and leave with what each group's gradient takes. `sums`, unless null: gradients of bias and
// weight.
void CombineGradients(const Groups& groups, const float* variance, double epsilon,
                      const ChannelNumbers& numbers, float* sums) {
  for (std::int64_t g = 0; g < groups.count; ++g) {
    const double inverse = 1.0 / (static_cast<double>(variance[g]) + epsilon);
    const double factor = std::sqrt(inverse);
    const std::int64_t first = g * groups.size();
    const std::int64_t last = first + groups.size();
    double sum = 0.0;
    double product = 0.0;
    for (std::int64_t c = first; c < last; ++c) {
      const double weight = static_cast<double>(numbers.weight[c]);
      sum += weight * static_cast<double>(numbers.average[c]);
      product += weight * static_cast<double>(numbers.slope[c]);
      if (sums == nullptr) continue;
      sums[c] = numbers.average[c];
      sums[groups.channels + c] =
          static_cast<float>(static_cast<double>(numbers.slope[c]) * factor);
    }
    const double slope = product * groups.share() * inverse * factor;
    std::fill(numbers.average + first, numbers.average + last,
              static_cast<float>(sum * groups.share()));
    std::fill(numbers.slope + first, numbers.slope + last, static_cast<float>(slope));
    std::fill(numbers.scale + first, numbers.scale + last, static_cast<float>(factor));
  }
}

}  // namespace

GroupedNorm::GroupedNorm(AttributeReader& reader, bool affine_default) {
  epsilon_ = reader.Real("epsilon", 1e-12, 1.0, 1e-5);
  is_affine_ = reader.Flag("affine", affine_default);
}

Attributes GroupedNorm::attributes() const {
  return {{"epsilon", epsilon_}, {"affine", is_affine_}};
}

Shape GroupedNorm::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kind());
  GroupsOf(input[0]);
  return input;
}

std::int64_t GroupedNorm::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

std::vector<ParameterSpec> GroupedNorm::Parameters(std::span<const Shape> inputs) const {
  const Shape channels{OnlyInput(inputs, kind())[0]};
  if (!is_affine_) return {};
  return {{"weight", channels, ParameterRole::kNorm, {.name = "constant", .value = 1.0}},
          {"bias", channels, ParameterRole::kNorm, {}}};
}

// Saved: means, then variances, of all groups of all examples. Temporary in Backward: each
// example's sums.
LayerMemory GroupedNorm::Memory(std::int64_t batch, std::span<const Shape> inputs,
                                const LayerUse& use) const {
  const std::int64_t channels = OnlyInput(inputs, kind())[0];
  if (!use.grad_inputs && !use.grad_parameters) return {};
  const std::int64_t sums = CheckedMultiply(batch, kSumParts * channels);
  return {.saved = CheckedMultiply(batch, 2 * GroupsOf(channels)),
          .backward = is_affine_ && use.grad_parameters ? sums : 0,
          .reads_inputs = true};
}

std::int64_t GroupedNorm::ScratchFloats(std::int64_t /*batch*/,
                                        std::span<const Shape> inputs) const {
  return ChannelNumbers::kParts * OnlyInput(inputs, kind())[0];
}

void GroupedNorm::Forward(const ForwardArguments& arguments) const {
  const auto [channels, positions] = LayoutOf(arguments.input_shapes[0]);
  const Groups groups{channels, positions, GroupsOf(channels)};
  const float* weight = is_affine_ ? arguments.parameters[0] : nullptr;
  const float epsilon = static_cast<float>(epsilon_);
  float* const saved = arguments.saved;
  ForExamples(*arguments.workspace, arguments.batch, groups.elements(),
              [&](std::int64_t example, float* scratch) {
                const float* x = arguments.inputs[0] + example * groups.elements();
                const ChannelNumbers numbers(scratch, groups.channels);
                float* const mean = numbers.mean;
                float* const scale = numbers.scale;  // the squares at first
                MomentsOfRows(groups.layout(), x, mean, scale);
                for (std::int64_t g = 0; g < groups.count; ++g) {
                  const std::int64_t first = g * groups.size();
                  const Moments moments = CombineChannels(groups, mean + first, scale + first);
                  const float variance = static_cast<float>(moments.variance);
                  const float factor = 1.0f / std::sqrt(variance + epsilon);
                  for (std::int64_t c = first; c < first + groups.size(); ++c) {
                    mean[c] = static_cast<float>(moments.mean);
                    scale[c] = weight == nullptr ? factor : weight[c] * factor;
                  }
                  if (saved == nullptr) continue;
                  saved[example * groups.count + g] = mean[first];
                  saved[(arguments.batch + example) * groups.count + g] = variance;
                }
                if (!is_affine_) std::fill_n(numbers.bias, groups.channels, 0.0f);
                ScaleChannels({.channels = groups.channels,
                               .mean = mean,
                               .scale = scale,
                               .bias = is_affine_ ? arguments.parameters[1] : numbers.bias},
                              0, groups.positions, x,
                              arguments.output + example * groups.elements());
              });
}

void GroupedNorm::Backward(const BackwardArguments& arguments) const {
  const auto [channels, positions] = LayoutOf(arguments.input_shapes[0]);
  const Groups groups{channels, positions, GroupsOf(channels)};
  const std::int64_t batch = arguments.batch;
  const float* weight = is_affine_ ? arguments.parameters[0] : nullptr;
  float* const grad_input = arguments.grad_inputs[0];
  const double epsilon = static_cast<double>(static_cast<float>(epsilon_));
  ForExamples(
      *arguments.workspace, batch, groups.elements(), [&](std::int64_t example, float* scratch) {
        const std::int64_t at = example * groups.elements();
        const float* x = arguments.inputs[0] + at;
        const float* grad = arguments.grad_output + at;
        const ChannelNumbers numbers(scratch, groups.channels);
        for (std::int64_t c = 0; c < groups.channels; ++c) {
          numbers.weight[c] = weight == nullptr ? 1.0f : weight[c];
          numbers.mean[c] = arguments.saved[example * groups.count + c / groups.size()];
        }
        GradientSumsOfRows(groups.layout(), x, numbers.mean, grad, numbers.average, numbers.slope);
        float* const sums = arguments.temporary == nullptr
                                ? nullptr
                                : arguments.temporary + example * kSumParts * groups.channels;
        CombineGradients(groups, arguments.saved + (batch + example) * groups.count, epsilon,
                         numbers, sums);
        if (grad_input == nullptr) return;
        ScaleChannelsBackward(SharedScalingGradient{.channels = groups.channels,
                                                    .mean = numbers.mean,
                                                    .weight = numbers.weight,
                                                    .average = numbers.average,
                                                    .scale = numbers.scale,
                                                    .slope = numbers.slope},
                              0, groups.positions, x, grad, grad_input + at);
      });
  if (!is_affine_) return;
  const auto add_up = [&](std::int64_t part, float* gradient) {
    if (gradient == nullptr) return;
    ForColumns(*arguments.workspace, groups.channels, batch,
               [&](std::int64_t first, std::int64_t last) {
                 ColumnSums(arguments.temporary + part * groups.channels + first, batch,
                            last - first, kSumParts * groups.channels, gradient + first);
               });
  };
  add_up(0, arguments.grad_parameters[1]);
  add_up(1, arguments.grad_parameters[0]);
}

}  // namespace espalier
