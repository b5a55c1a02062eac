// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/convolution.h"

namespace espalier {

/// A convolution to `channels` output channels in `groups` [1] independent groups, which
/// divide the channels of input and output. Its other attributes are Convolution's.
class Conv2d final : public Convolution {
 public:
  static constexpr const char* kKind = "conv2d";
  explicit Conv2d(const Attributes& attributes) : Conv2d(AttributeReader(kKind, attributes)) {}

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;

 private:
  explicit Conv2d(AttributeReader&& reader);
  Channels ChannelsFor(std::int64_t input_channels) const override;

  std::int64_t channels_;
  std::int64_t groups_;
};

}  // namespace espalier
