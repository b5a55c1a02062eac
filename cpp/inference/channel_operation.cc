// SPDX-License-Identifier: Apache-2.0
#include "inference/channel_operation.h"

#include <algorithm>

#include "kernels/batch_normalization.h"
#include "layers/batch_norm.h"
#include "layers/partition.h"

namespace espalier {

ChannelOperation::ChannelOperation(const Normalization& normalization, const Shape& shape)
    : channels_(shape[0]),
      spatial_(shape.element_count() / shape[0]),
      settings_(kRows * channels_) {
  const auto entry = [](const std::vector<double>& values, std::int64_t c) {
    return values.size() == 1 ? values[0] : values[static_cast<std::size_t>(c)];
  };
  for (std::int64_t c = 0; c < channels_; ++c) {
    row(kMean)[c] = static_cast<float>(entry(normalization.mean, c));
    row(kVariance)[c] = 1.0f;  // not std², which underflows sooner than 1 / std overflows
    row(kWeight)[c] = static_cast<float>(1.0 / entry(normalization.std, c));
  }
}

ChannelOperation::ChannelOperation(const NetworkState& network, int index,
                                   FusedActivation activation)
    : activation_(activation) {
  const GraphLayer& layer = network.layers[static_cast<std::size_t>(index)];
  channels_ = layer.output_shape[0];
  spatial_ = layer.output_shape.element_count() / channels_;
  epsilon_ = static_cast<float>(static_cast<const BatchNorm&>(*layer.layer).epsilon());
  settings_ = AlignedArray<float>(kRows * channels_);
  const Row rows[] = {kWeight, kBias, kMean, kVariance};  // in the order of BatchNorm::Parameters
  for (std::size_t i = 0; i < 4; ++i) {
    std::copy_n(network.parameter_values(layer.parameters[i]), channels_, row(rows[i]));
  }
}

void ChannelOperation::Run(const OperationCall& call) const {
  const ChannelNormalization normalization{
      .layout = {.batch = 1, .channels = channels_, .spatial = spatial_},
      .epsilon = epsilon_,
      .mean = row(kMean),
      .variance = row(kVariance),
      .weight = row(kWeight),
      .bias = row(kBias)};
  const float* x = call.inputs[0];
  ForRows(*call.workspace, call.batch * channels_, spatial_,
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t at = first; at < last;) {
              const std::int64_t example = at / channels_;
              const std::int64_t end = std::min(last, (example + 1) * channels_);
              const std::int64_t offset = example * channels_ * spatial_;
              NormalizeChannels(normalization, at - example * channels_, end - example * channels_,
                                x + offset, call.output + offset);
              at = end;
            }
            if (activation_.activation != Activation::kNone) {
              float* y = call.output + first * spatial_;
              ActivationForward(activation_.activation, activation_.slope, y,
                                (last - first) * spatial_, y);
            }
          });
}

}  // namespace espalier
