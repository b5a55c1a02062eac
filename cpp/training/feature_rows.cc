// SPDX-License-Identifier: Apache-2.0
#include "training/feature_rows.h"

#include <algorithm>
#include <utility>

#include "core/checked.h"
#include "core/resources.h"
#include "core/text.h"

namespace espalier {
namespace {

std::int64_t CheckedCount(std::int64_t examples, std::int64_t feature_floats) {
  if (examples < 0 || feature_floats < 0) {
    Fail(ErrorCode::kInvalidArgument, "features: expected at least 0 examples of at least 0, got ",
         examples, " of ", feature_floats);
  }
  CheckedBytes(CheckedMultiply(examples, feature_floats), sizeof(float));
  return examples;
}

}  // namespace

FeatureRows::FeatureRows(std::int64_t examples, std::int64_t feature_floats, std::string folder)
    : feature_floats_(feature_floats),
      folder_(std::move(folder)),
      rows_(CheckedCount(examples, feature_floats)),
      states_(examples) {}

FeatureRows::Room FeatureRows::RoomFor(std::int64_t rows, float*& features) const {
  Room room;
  const std::int64_t floats = rows * feature_floats_;
  const auto bytes = floats * static_cast<std::int64_t>(sizeof(float));
  // The system promises more memory than it has: half of it is for the data set and others.
  if (folder_.empty() || bytes <= AvailableMemoryBytes() / 2) {
    try {
      room.memory = AlignedArray<float>(floats);
      features = room.memory.data();
      return room;
    } catch (const Error& error) {
      if (folder_.empty() || error.code() != ErrorCode::kOutOfMemory) throw;
    }
  }
  room.file = ReservedFile(folder_, bytes);
  features = static_cast<float*>(room.file.data());
  return room;
}

void FeatureRows::MakeRoom(std::span<const std::int64_t> examples) {
  for (const std::int64_t example : examples) CheckExample(example);
  std::vector<std::int64_t> missing;
  std::ranges::copy_if(examples, std::back_inserter(missing),
                       [&](std::int64_t example) { return rows_[example] == nullptr; });
  std::ranges::sort(missing);
  missing.erase(std::ranges::unique(missing).begin(), missing.end());
  if (missing.empty() || feature_floats_ == 0) return;
  rooms_.reserve(rooms_.size() + 1);
  float* features = nullptr;
  rooms_.push_back(
      std::make_shared<Room>(RoomFor(static_cast<std::int64_t>(missing.size()), features)));
  file_bytes_ += rooms_.back()->file.bytes();
  for (const std::int64_t example : missing) {
    rows_[example] = features;
    features += feature_floats_;
  }
}

void FeatureRows::MakeRoomForAll() {
  std::vector<std::int64_t> all(static_cast<std::size_t>(examples()));
  std::int64_t next = 0;
  for (std::int64_t& example : all) example = next++;
  MakeRoom(all);
}

void FeatureRows::CheckExample(std::int64_t example) const {
  if (example < 0 || example >= examples()) {
    Fail(ErrorCode::kInvalidArgument, "features: expected an example in [0, ", examples(),
         "), got ", example);
  }
}

void FeatureRows::CheckRange(std::int64_t first, std::int64_t count) const {
  if (first < 0 || count < 0 || first > examples() || count > examples() - first) {
    Fail(ErrorCode::kInvalidArgument, "features: expected examples in [0, ", examples(), "), got ",
         count, " from ", first);
  }
  for (std::int64_t example = first; example < first + count; ++example) {
    CheckRoom({&example, 1});
  }
}

void FeatureRows::CheckRoom(std::span<const std::int64_t> examples) const {
  for (const std::int64_t example : examples) {
    CheckExample(example);
    if (rows_[example] == nullptr) {
      Fail(ErrorCode::kInvalidArgument, "features: expected an example with room, got ", example,
           ", which was not given to MakeRoom");
    }
  }
}

void FeatureRows::CheckFilled(std::span<const std::int64_t> examples) const {
  for (const std::int64_t example : examples) {
    CheckExample(example);
    if (states_[example] == State::kEmpty) {
      Fail(ErrorCode::kInvalidArgument, "features: expected a cached example, got ", example,
           ", which was not given to CacheFeatures");
    }
  }
}

std::int64_t FeatureRows::FirstNonFinite(std::span<const std::int64_t> examples) const {
  const auto found = std::find_if(examples.begin(), examples.end(), [&](std::int64_t example) {
    return states_[example] == State::kFilledFromNonFinite;
  });
  return found == examples.end() ? -1 : found - examples.begin();
}

void FeatureRows::ShareRows(const FeatureRows& other, std::span<const std::int64_t> from,
                            std::span<const std::int64_t> to) {
  if (other.feature_floats_ != feature_floats_) {
    Fail(ErrorCode::kShapeMismatch, "features: expected ", feature_floats_,
         " floats an example, got ", other.feature_floats_);
  }
  if (from.size() != to.size()) {
    Fail(ErrorCode::kInvalidArgument, "features: expected as many examples of both, got ",
         from.size(), " and ", to.size());
  }
  other.CheckFilled(from);
  for (const std::int64_t example : to) CheckExample(example);
  others_.reserve(others_.size() + other.rooms_.size() + other.others_.size());
  for (const auto* rooms : {&other.rooms_, &other.others_}) {
    for (const std::shared_ptr<Room>& room : *rooms) {
      const auto is_room = [&](const std::shared_ptr<Room>& known) { return known == room; };
      if (std::ranges::none_of(rooms_, is_room) && std::ranges::none_of(others_, is_room)) {
        others_.push_back(room);
      }
    }
  }
  for (std::size_t i = 0; i < to.size(); ++i) {
    rows_[to[i]] = other.rows_[from[i]];
    states_[to[i]] = other.states_[from[i]];
  }
}

void FeatureRows::Gather(std::span<const std::int64_t> examples, std::int64_t first,
                         std::int64_t count, float* to) const {
  for (const std::int64_t example : examples) {
    to = std::copy_n(rows_[example] + first, count, to);
  }
}

std::int64_t FeatureRows::NativeBytes() const {
  std::int64_t bytes = rows_.bytes() + states_.bytes();
  for (const std::shared_ptr<Room>& room : rooms_) bytes += room->memory.bytes();
  return bytes;
}

}  // namespace espalier
