// SPDX-License-Identifier: Apache-2.0
#include "training/feature_cache.h"

#include "core/text.h"

namespace espalier {

void FeatureCache::Reserve(int slot, std::int64_t examples) {
  slots_.erase(slot);  // before the new room is asked for: both together may not fit
  auto rows = std::make_shared<FeatureRows>(examples, feature_floats_, folder_);
  rows->MakeRoomForAll();
  slots_.emplace(slot, Slot{.rows = std::move(rows)});
}

void FeatureCache::Share(int slot, std::shared_ptr<FeatureRows> rows) {
  if (rows->feature_floats() != feature_floats_) {
    Fail(ErrorCode::kShapeMismatch, "features: expected ", feature_floats_,
         " floats an example, got ", rows->feature_floats());
  }
  slots_.insert_or_assign(slot, Slot{.rows = std::move(rows), .is_shared = true});
}

FeatureRows* FeatureCache::Find(int slot) const {
  const auto found = slots_.find(slot);
  if (found == slots_.end()) {
    Fail(ErrorCode::kInvalidArgument, "features: expected a reserved slot, got ", slot);
  }
  return found->second.rows.get();
}

std::int64_t FeatureCache::NativeBytes() const {
  std::int64_t bytes = 0;
  for (const auto& [number, slot] : slots_) {
    if (!slot.is_shared) bytes += slot.rows->NativeBytes();
  }
  return bytes;
}

}  // namespace espalier
