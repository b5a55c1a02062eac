// SPDX-License-Identifier: Apache-2.0
#include "layers/depthwise_conv2d.h"

#include "core/checked.h"

namespace espalier {

DepthwiseConv2d::DepthwiseConv2d(AttributeReader&& reader) : Convolution(reader) {
  multiplier_ = reader.Whole("multiplier", 1, kMaxUnits, 1);
  reader.Finish();
}

Attributes DepthwiseConv2d::attributes() const {
  Attributes result = Convolution::attributes();
  result["multiplier"] = multiplier_;
  return result;
}

Convolution::Channels DepthwiseConv2d::ChannelsFor(std::int64_t input_channels) const {
  return {.output = CheckedMultiply(input_channels, multiplier_), .groups = input_channels};
}

}  // namespace espalier
