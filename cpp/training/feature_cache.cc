// SPDX-License-Identifier: Apache-2.0
#include "training/feature_cache.h"

#include <algorithm>

#include "core/checked.h"
#include "core/resources.h"
#include "core/text.h"

namespace espalier {

void FeatureCache::Reserve(int slot, std::int64_t examples) {
  if (examples < 0) {
    Fail(ErrorCode::kInvalidArgument, "examples: expected at least 0, got ", examples);
  }
  slots_.erase(slot);  // before the new room is asked for: both together may not fit
  Slot room;
  room.examples = examples;
  GiveRoom(room, CheckedMultiply(examples, feature_floats_));
  room.states = AlignedArray<State>(examples);
  slots_.emplace(slot, std::move(room));
}

void FeatureCache::GiveRoom(Slot& slot, std::int64_t floats) const {
  const std::int64_t bytes = CheckedBytes(floats, sizeof(float));
  // The system promises more memory than it has: half of it is for the data set and others.
  if (folder_.empty() || bytes <= AvailableMemoryBytes() / 2) {
    try {
      slot.memory = AlignedArray<float>(floats);
      slot.features = slot.memory.data();
      return;
    } catch (const Error& error) {
      if (folder_.empty() || error.code() != ErrorCode::kOutOfMemory) throw;
    }
  }
  slot.file = ReservedFile(folder_, bytes);
  slot.features = static_cast<float*>(slot.file.data());
}

const FeatureCache::Slot& FeatureCache::Find(int slot) const {
  const auto found = slots_.find(slot);
  if (found == slots_.end()) {
    Fail(ErrorCode::kInvalidArgument, "features: expected a reserved slot, got ", slot);
  }
  return found->second;
}

void FeatureCache::CheckRange(int slot, std::int64_t first, std::int64_t count) const {
  const std::int64_t examples = Find(slot).examples;
  if (first < 0 || count < 0 || first > examples || count > examples - first) {
    Fail(ErrorCode::kInvalidArgument, "features: expected examples in [0, ", examples, "), got ",
         count, " from ", first);
  }
}

void FeatureCache::CheckFilled(int slot, std::span<const std::int64_t> examples) const {
  const Slot& room = Find(slot);
  for (const std::int64_t example : examples) {
    if (example < 0 || example >= room.examples) {
      Fail(ErrorCode::kInvalidArgument, "features: expected an example in [0, ", room.examples,
           "), got ", example);
    }
    if (room.states[example] == State::kEmpty) {
      Fail(ErrorCode::kInvalidArgument, "features: expected a cached example, got ", example,
           ", which was not given to CacheFeatures");
    }
  }
}

std::int64_t FeatureCache::FirstNonFinite(int slot, std::span<const std::int64_t> examples) const {
  const Slot& room = Find(slot);
  const auto found = std::find_if(examples.begin(), examples.end(), [&](std::int64_t example) {
    return room.states[example] == State::kFilledFromNonFinite;
  });
  return found == examples.end() ? -1 : found - examples.begin();
}

float* FeatureCache::Row(int slot, std::int64_t example) {
  return slots_.at(slot).features + example * feature_floats_;
}

void FeatureCache::MarkFilled(int slot, std::int64_t example, bool has_finite_input) {
  slots_.at(slot).states[example] = has_finite_input ? State::kFilled : State::kFilledFromNonFinite;
}

void FeatureCache::Gather(int slot, std::span<const std::int64_t> examples, std::int64_t first,
                          std::int64_t count, float* to) const {
  const Slot& room = Find(slot);
  for (const std::int64_t example : examples) {
    to = std::copy_n(room.features + example * feature_floats_ + first, count, to);
  }
}

std::int64_t FeatureCache::NativeBytes() const {
  std::int64_t bytes = 0;
  for (const auto& [slot, room] : slots_) bytes += room.memory.bytes() + room.states.bytes();
  return bytes;
}

}  // namespace espalier
