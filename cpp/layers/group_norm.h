// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/grouped_norm.h"

namespace espalier {

/// Group normalization in `groups` groups, which divide the channels; affine [true]. The rest is
/// GroupedNorm's. Source: Wu and He, 2018, arXiv:1803.08494.
class GroupNorm final : public GroupedNorm {
 public:
  static constexpr const char* kKind = "group_norm";
  explicit GroupNorm(const Attributes& attributes)
      : GroupNorm(AttributeReader(kKind, attributes)) {}

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;

 private:
  explicit GroupNorm(AttributeReader&& reader);
  std::int64_t GroupsOf(std::int64_t channels) const override;

  std::int64_t groups_;
};

}  // namespace espalier
