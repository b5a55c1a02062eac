// SPDX-License-Identifier: Apache-2.0
#include "layers/group_norm.h"

#include "core/text.h"

namespace espalier {

GroupNorm::GroupNorm(AttributeReader&& reader) : GroupedNorm(reader, true) {
  groups_ = reader.Whole("groups", 1, kMaxUnits);
  reader.Finish();
}

Attributes GroupNorm::attributes() const {
  Attributes result = GroupedNorm::attributes();
  result["groups"] = groups_;
  return result;
}

std::int64_t GroupNorm::GroupsOf(std::int64_t channels) const {
  if (channels % groups_ != 0) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected channels that are a multiple of ", groups_,
         " groups, got ", channels);
  }
  return groups_;
}

}  // namespace espalier
