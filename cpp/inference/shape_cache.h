// SPDX-License-Identifier: Apache-2.0
#pragma once

// What was made for shapes of an input, the last few of them.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "espalier/shape.h"

namespace espalier {

/// Keeps at most so many values, each for a shape: those that were wanted last. What it drops lives
/// on as long as somebody holds it. Any number of threads.
template <typename Value>
class ShapeCache {
 public:
  explicit ShapeCache(std::size_t most) : most_(most) {}

  /// The value for a shape, or null.
  std::shared_ptr<Value> Find(const Shape& shape) {
    const std::lock_guard lock(mutex_);
    return Use(shape);
  }

  /// Keeps a value, and returns it; or, where another thread was faster, that one's.
  std::shared_ptr<Value> Insert(const Shape& shape, std::shared_ptr<Value> value) {
    std::shared_ptr<Value> dropped;  // freed without the lock
    const std::lock_guard lock(mutex_);
    if (std::shared_ptr<Value> there = Use(shape)) return there;
    if (entries_.size() == most_) {
      dropped = std::move(entries_.back().second);
      entries_.pop_back();
    }
    entries_.emplace(entries_.begin(), shape, value);
    return value;
  }

  /// Drops all values.
  void Clear() {
    Entries dropped;
    const std::lock_guard lock(mutex_);
    dropped.swap(entries_);
  }

  /// The sum of what `bytes` says of each value.
  template <typename Bytes>
  std::int64_t Sum(Bytes bytes) const {
    const std::lock_guard lock(mutex_);
    std::int64_t sum = 0;
    for (const auto& [shape, value] : entries_) sum += bytes(*value);
    return sum;
  }

 private:
  using Entries = std::vector<std::pair<Shape, std::shared_ptr<Value>>>;

  std::shared_ptr<Value> Use(const Shape& shape) {
    const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const auto& known) { return known.first == shape; });
    if (entry == entries_.end()) return nullptr;
    std::rotate(entries_.begin(), entry, entry + 1);
    return entries_.front().second;
  }

  std::size_t most_;
  mutable std::mutex mutex_;
  Entries entries_;  // wanted last first
};

}  // namespace espalier
