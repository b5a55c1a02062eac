// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/convolution.h"

namespace espalier {

/// A convolution of each channel by itself, to `multiplier` [1] output channels each. Its
/// other attributes are Convolution's.
class DepthwiseConv2d final : public Convolution {
 public:
  static constexpr const char* kKind = "depthwise_conv2d";
  explicit DepthwiseConv2d(const Attributes& attributes)
      : DepthwiseConv2d(AttributeReader(kKind, attributes)) {}

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;

 private:
  explicit DepthwiseConv2d(AttributeReader&& reader);
  Channels ChannelsFor(std::int64_t input_channels) const override;

  std::int64_t multiplier_;
};

}  // namespace espalier
