// SPDX-License-Identifier: Apache-2.0
#include "layers/conv2d.h"

#include "core/text.h"

namespace espalier {

Conv2d::Conv2d(AttributeReader&& reader) : Convolution(reader) {
  channels_ = reader.Whole("channels", 1, kMaxUnits);
  groups_ = reader.Whole("groups", 1, kMaxUnits, 1);
  reader.Finish();
  if (channels_ % groups_ != 0) {
    reader.FailAt("groups", Concat("a divisor of channels ", channels_), groups_);
  }
}

Attributes Conv2d::attributes() const {
  Attributes result = Convolution::attributes();
  result["channels"] = channels_;
  result["groups"] = groups_;
  return result;
}

Convolution::Channels Conv2d::ChannelsFor(std::int64_t input_channels) const {
  if (input_channels % groups_ != 0) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected input channels that are a multiple of ",
         groups_, " groups, got ", input_channels);
  }
  return {.output = channels_, .groups = groups_};
}

}  // namespace espalier
