// SPDX-License-Identifier: Apache-2.0
#pragma once

// Features of data sets, computed once: in memory or in a nameless file, [examples, features]
// a slot.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "core/memory.h"
#include "core/reserved_file.h"

namespace espalier {

class FeatureCache {
 public:
  /// Features that memory has no room for go to a file in `folder`; empty: nowhere.
  explicit FeatureCache(std::int64_t feature_floats, std::string folder = "")
      : feature_floats_(feature_floats), folder_(std::move(folder)) {}

  /// Room for `examples` in a slot, empty at first; what it held is dropped. Throws Error:
  /// OUT_OF_MEMORY, and the slot then has no room at all.
  void Reserve(int slot, std::int64_t examples);

  /// True if a file holds the slot's features.
  bool IsInFile(int slot) const { return Find(slot).file.bytes() > 0; }

  /// Throws INVALID_ARGUMENT unless the slot has room for [first, first + count).
  void CheckRange(int slot, std::int64_t first, std::int64_t count) const;

  /// Throws INVALID_ARGUMENT unless all of `examples` have been marked.
  void CheckFilled(int slot, std::span<const std::int64_t> examples) const;

  /// Index in `examples` of the first whose input was not finite, or -1.
  std::int64_t FirstNonFinite(int slot, std::span<const std::int64_t> examples) const;

  float* Row(int slot, std::int64_t example);
  void MarkFilled(int slot, std::int64_t example, bool has_finite_input);

  /// Copies floats [first, first + count) of each example's features to rows of `to`.
  void Gather(int slot, std::span<const std::int64_t> examples, std::int64_t first,
              std::int64_t count, float* to) const;

  std::int64_t NativeBytes() const;

 private:
  enum class State : std::uint8_t { kEmpty, kFilled, kFilledFromNonFinite };
  struct Slot {
    std::int64_t examples = 0;
    float* features = nullptr;
    AlignedArray<float> memory;  // or:
    ReservedFile file;
    AlignedArray<State> states;  // by example
  };

  const Slot& Find(int slot) const;
  void GiveRoom(Slot& slot, std::int64_t floats) const;

  std::int64_t feature_floats_;
  std::string folder_;
  std::map<int, Slot> slots_;
};

}  // namespace espalier
