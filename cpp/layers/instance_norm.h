// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/grouped_norm.h"

namespace espalier {

/// Instance normalization: each channel is a group of its own; affine [false]. The rest is
/// GroupedNorm's. Source: Ulyanov, Vedaldi and Lempitsky, 2016, arXiv:1607.08022.
class InstanceNorm final : public GroupedNorm {
 public:
  static constexpr const char* kKind = "instance_norm";
  explicit InstanceNorm(const Attributes& attributes)
      : InstanceNorm(AttributeReader(kKind, attributes)) {}

  std::string_view kind() const override { return kKind; }

 private:
  explicit InstanceNorm(AttributeReader&& reader) : GroupedNorm(reader, false) { reader.Finish(); }
  std::int64_t GroupsOf(std::int64_t channels) const override { return channels; }
};

}  // namespace espalier
