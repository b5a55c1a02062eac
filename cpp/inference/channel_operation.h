// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/memory.h"
#include "inference/operation.h"
#include "network/network_state.h"

namespace espalier {

/// y = activation((x - mean)·weight / √(variance + epsilon) + bias) per channel (first
/// dimension): the network's normalization, and batch norms that could not be folded.
class ChannelOperation final : public Operation {
 public:
  /// (x - mean) / std.
  ChannelOperation(const Normalization& normalization, const Shape& shape);

  /// The batch norm `index` with its running statistics.
  ChannelOperation(const NetworkState& network, int index, FusedActivation activation);

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override { return channels_ * spatial_ * kElementWork; }
  std::int64_t NativeBytes() const override { return settings_.bytes(); }

 private:
  // `settings_`: rows of one float a channel.
  enum Row { kMean, kVariance, kWeight, kBias, kRows };
  float* row(Row row) { return settings_.data() + row * channels_; }
  const float* row(Row row) const { return settings_.data() + row * channels_; }

  std::int64_t channels_;
  std::int64_t spatial_;
  float epsilon_ = 0.0f;
  FusedActivation activation_;
  AlignedArray<float> settings_;
};

}  // namespace espalier
