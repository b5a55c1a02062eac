// SPDX-License-Identifier: Apache-2.0
#include "inference/channel_operation.h"

#include <algorithm>

#include "kernels/norms/batch_normalization.h"
#include "layers/layout.h"
#include "layers/partition.h"

namespace espalier {

ChannelOperation::ChannelOperation(const NetworkState& network, int index,
                                   FusedActivation activation)
    : activation_(activation) {
  const GraphLayer& layer = network.layers[static_cast<std::size_t>(index)];
  const ImageLayout layout = LayoutOf(layer.output_shape);
  channels_ = layout.channels;
  positions_ = layout.positions;
  settings_ = AlignedArray<float>(kRows * channels_);
  const auto parameter = [&](std::size_t i) {  // in the order of BatchNorm::Parameters
    return network.parameter_values(layer.parameters[i]);
  };
  NormalizationScales(channels_, parameter(0), parameter(3),
                      static_cast<float>(TraitsOf(layer).norm_epsilon), row(kScale));
  std::copy_n(parameter(1), channels_, row(kBias));
  std::copy_n(parameter(2), channels_, row(kMean));
}

void ChannelOperation::Run(const OperationCall& call) const {
  const ChannelScaling scaling = {.channels = channels_,
                                  .mean = row(kMean),
                                  .scale = row(kScale),
                                  .bias = row(kBias),
                                  .activation = activation_.activation,
                                  .slope = activation_.slope};
  ForRows(*call.workspace, call.batch * positions_, channels_,
          [&](std::int64_t first, std::int64_t last) {
            ScaleChannels(scaling, first, last, call.inputs[0], call.output);
          });
}

}  // namespace espalier
