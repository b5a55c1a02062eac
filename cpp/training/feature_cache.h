// SPDX-License-Identifier: Apache-2.0
#pragma once

// The features that one trainer works on: a data set's in each slot, its own or shared.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "training/feature_rows.h"

namespace espalier {

class FeatureCache {
 public:
  /// Features that memory has no room for go to a file in `folder`; empty: nowhere.
  explicit FeatureCache(std::int64_t feature_floats, std::string folder = "")
      : feature_floats_(feature_floats), folder_(std::move(folder)) {}

  /// Room for `examples` in a slot, empty at first; what it held is dropped. Throws Error:
  /// OUT_OF_MEMORY, and the slot then has no room at all.
  void Reserve(int slot, std::int64_t examples);

  /// Puts the rows of somebody else into a slot; what it held is dropped. Throws SHAPE_MISMATCH
  /// if they have another number of floats.
  void Share(int slot, std::shared_ptr<FeatureRows> rows);

  /// Throws INVALID_ARGUMENT if the slot has neither.
  FeatureRows& Rows(int slot) { return *Find(slot); }
  const FeatureRows& Rows(int slot) const { return *Find(slot); }

  std::int64_t NativeBytes() const;  ///< of what is not shared

 private:
  struct Slot {
    std::shared_ptr<FeatureRows> rows;
    bool is_shared = false;
  };

  FeatureRows* Find(int slot) const;

  std::int64_t feature_floats_;
  std::string folder_;
  std::map<int, Slot> slots_;
};

}  // namespace espalier
