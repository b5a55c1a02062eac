// SPDX-License-Identifier: Apache-2.0
#include "training/parameter_updates.h"

#include <algorithm>
#include <cmath>

#include "core/checked.h"
#include "kernels/reduction.h"

namespace espalier {
namespace {

// Split by problem size alone. Large enough that handing a chunk to a worker is cheap beside
// its work (about 64 KiB a tensor, 256 KiB with gradient and moments: it stays in L2).
constexpr std::int64_t kChunkFloats = 16384;
constexpr std::int64_t kAlignmentFloats =
    static_cast<std::int64_t>(kAlignmentBytes / sizeof(float));

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

std::int64_t Chunks(std::int64_t floats) { return (floats + kChunkFloats - 1) / kChunkFloats; }

}  // namespace

std::vector<int> DepthFromOutput(const NetworkState& network) {
  std::vector<int> depths(network.layers.size(), 0);
  for (std::size_t i = network.layers.size(); i-- > 0;) {
    const GraphLayer& layer = network.layers[i];
    const int through = depths[i] + (layer.parameters.empty() ? 0 : 1);
    for (const int input : layer.inputs) {
      if (input != kNetworkInput) depths[Index(input)] = std::max(depths[Index(input)], through);
    }
  }
  return depths;
}

ParameterUpdates::ParameterUpdates(NetworkState& network, const TrainingPlan& plan,
                                   const TrainerConfig& config)
    : network_(network), config_(config), parameter_of_(network.parameters.size(), -1) {
  const std::vector<int> depths = DepthFromOutput(network);
  const auto rate_factor = [&](int layer) {
    return network.layers[Index(layer)].learning_rate_scale *
           std::pow(config.layer_decay, depths[Index(layer)]);
  };
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const PlanNode& node = plan.nodes[i];
    if (!node.is_trainable) continue;
    for (const int parameter : network.layers[Index(node.layer)].parameters) {
      if (network.parameters[Index(parameter)].role == ParameterRole::kBuffer) continue;
      AddParameter(parameter, rate_factor(node.layer), static_cast<int>(i), 0, 0);
    }
  }
  std::int64_t column = 0;
  for (const GraphHead& head : network.heads) {
    if (IsTrainable(network, head.output)) {
      for (const int parameter : network.layers[Index(head.output)].parameters) {
        AddParameter(parameter, rate_factor(head.output), -1, column, head.width());
      }
    }
    column += head.width();
  }
  column_steps_.assign(Index(column), 0);
  LayOutGradients();
}

void ParameterUpdates::AddParameter(int index, double rate_factor, int node,
                                    std::int64_t first_column, std::int64_t columns) {
  const GraphParameter& graph_parameter = network_.parameters[Index(index)];
  const bool decays =
      graph_parameter.role == ParameterRole::kWeight || config_.decay_biases_and_norms;
  Parameter parameter;
  parameter.index = index;
  parameter.floats = graph_parameter.shape.element_count();
  parameter.rate_factor = rate_factor;
  parameter.weight_decay = decays ? WeightDecay(config_.optimizer) : 0.0;
  parameter.node = node;
  parameter.first_column = first_column;
  parameter.columns = columns;
  parameters_.push_back(parameter);
}

void ParameterUpdates::LayOutGradients() {
  const auto value_offset = [this](const Parameter& parameter) {
    return network_.parameters[Index(parameter.index)].offset;
  };
  std::sort(parameters_.begin(), parameters_.end(), [&](const Parameter& a, const Parameter& b) {
    return value_offset(a) < value_offset(b);
  });
  std::int64_t end = 0;
  std::int64_t values_end = -1;
  std::int64_t most_segments = 0;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = parameters_[i];
    const bool continues = value_offset(parameter) == values_end;
    if (!continues) end = (end + kAlignmentFloats - 1) / kAlignmentFloats * kAlignmentFloats;
    parameter.offset = end;
    end = CheckedAdd(end, parameter.floats);
    values_end = value_offset(parameter) + parameter.floats;
    parameter_of_[Index(parameter.index)] = static_cast<int>(i);
    // At worst every column is a run of its own.
    const std::int64_t runs = std::max<std::int64_t>(parameter.columns, 1);
    most_segments += runs * Chunks(parameter.floats / runs);
  }
  gradients_ = AlignedArray<float>(end);
  for (int moment = 0; moment < MomentCount(config_.optimizer); ++moment) {
    moments_[moment] = AlignedArray<float>(end);
  }
  partial_sums_ = AlignedArray<double>(Chunks(end));
  segments_.reserve(Index(most_segments));
}

float* ParameterUpdates::Gradient(int parameter) {
  const int index = parameter_of_[Index(parameter)];
  return index < 0 ? nullptr : gradients_.data() + parameters_[Index(index)].offset;
}

double ParameterUpdates::GradientNorm(Workspace& workspace) {
  return NormOfChunks(/*clamped=*/false, workspace);
}

double ParameterUpdates::NormOfChunks(bool clamped, Workspace& workspace) {
  const auto limit = static_cast<float>(config_.clip_value.value_or(0.0));
  workspace.ParallelFor(partial_sums_.size(), [&](std::int64_t chunk, std::span<float>) {
    const std::int64_t first = chunk * kChunkFloats;
    const std::int64_t count = std::min(kChunkFloats, gradients_.size() - first);
    partial_sums_[chunk] = clamped ? ClampedSumOfSquares(gradients_.data() + first, count, limit)
                                   : SumOfSquares(gradients_.data() + first, count);
  });
  double sum = 0.0;
  for (const double partial : partial_sums_.span()) sum += partial;
  return std::sqrt(sum);
}

void ParameterUpdates::Apply(const ReachedUnits& reached, double learning_rate,
                             double gradient_norm, Workspace& workspace) {
  float gradient_scale = 1.0f;
  if (config_.clip_norm) {
    const double norm =
        config_.clip_value ? NormOfChunks(/*clamped=*/true, workspace) : gradient_norm;
    // PyTorch's clip_grad_norm_, its 1e-6 against division by zero included.
    gradient_scale = static_cast<float>(std::min(1.0, *config_.clip_norm / (norm + 1e-6)));
  }
  for (std::size_t column = 0; column < column_steps_.size(); ++column) {
    if (reached.columns[column]) ++column_steps_[column];
  }
  segments_.clear();
  for (Parameter& parameter : parameters_) {
    const double rate = learning_rate * parameter.rate_factor;
    if (parameter.node < 0) {
      AddColumnSegments(parameter, reached.columns, rate);
    } else if (reached.nodes[Index(parameter.node)]) {
      AddSegments(parameter, 0, parameter.floats, ++parameter.step, rate);
    }
  }
  const auto clip_value = static_cast<float>(config_.clip_value.value_or(0.0));
  workspace.ParallelFor(static_cast<std::int64_t>(segments_.size()),
                        [&](std::int64_t task, std::span<float>) {
                          UpdateSegment segment = segments_[Index(task)];
                          segment.gradient_scale = gradient_scale;
                          segment.clip_value = clip_value;
                          UpdateParameters(config_.optimizer, segment);
                        });
}

void ParameterUpdates::AddColumnSegments(const Parameter& parameter,
                                         std::span<const std::uint8_t> columns,
                                         double learning_rate) {
  const std::int64_t floats_per_column = parameter.floats / parameter.columns;
  const std::int64_t end = parameter.first_column + parameter.columns;
  std::int64_t column = parameter.first_column;
  while (column < end) {
    if (!columns[Index(column)]) {
      ++column;
      continue;
    }
    const std::int64_t first = column;
    const std::int64_t step = column_steps_[Index(first)];
    while (column < end && columns[Index(column)] && column_steps_[Index(column)] == step) {
      ++column;
    }
    AddSegments(parameter, (first - parameter.first_column) * floats_per_column,
                (column - first) * floats_per_column, step, learning_rate);
  }
}

void ParameterUpdates::AddSegments(const Parameter& parameter, std::int64_t first,
                                   std::int64_t count, std::int64_t step, double learning_rate) {
  float* const values = network_.parameter_values(parameter.index);
  for (std::int64_t begin = first; begin < first + count; begin += kChunkFloats) {
    const std::int64_t offset = parameter.offset + begin;
    segments_.push_back({.values = values + begin,
                         .gradients = gradients_.data() + offset,
                         .moment1 = moments_[0].empty() ? nullptr : moments_[0].data() + offset,
                         .moment2 = moments_[1].empty() ? nullptr : moments_[1].data() + offset,
                         .count = std::min(kChunkFloats, first + count - begin),
                         .step = step,
                         .learning_rate = learning_rate,
                         .weight_decay = parameter.weight_decay});
  }
}

std::vector<float> ParameterUpdates::ReadMoment(int parameter, int index) const {
  const int trainable = parameter_of_[Index(parameter)];
  if (trainable < 0 || index < 0 || index > 1 || moments_[index].empty()) return {};
  const Parameter& entry = parameters_[Index(trainable)];
  const float* const first = moments_[index].data() + entry.offset;
  return {first, first + entry.floats};
}

std::int64_t ParameterUpdates::NativeBytes() const {
  return gradients_.bytes() + moments_[0].bytes() + moments_[1].bytes() + partial_sums_.bytes();
}

}  // namespace espalier
