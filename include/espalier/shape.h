// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace espalier {

/// Dimensions of one example, slowest first: [channels, height, width] for an
/// image, [n] for a vector. The batch is never part of it.
///
/// Every dimension is at least 1, the rank 1 to kMaxRank and the product at
/// most kMaxElements, so that element counts never overflow.
class Shape {
 public:
  static constexpr int kMaxRank = 8;
  static constexpr std::int64_t kMaxElements = std::int64_t{1} << 40;

  /// Throws Error: INVALID_ARGUMENT if rank, a dimension or the product is out of range.
  Shape(std::initializer_list<std::int64_t> dimensions);
  explicit Shape(std::span<const std::int64_t> dimensions);

  static Shape Image(std::int64_t channels, std::int64_t height, std::int64_t width);
  static Shape Vector(std::int64_t size);

  int rank() const { return rank_; }
  std::int64_t operator[](int axis) const { return dimensions_[static_cast<std::size_t>(axis)]; }
  std::span<const std::int64_t> dimensions() const {
    return {dimensions_.data(), static_cast<std::size_t>(rank_)};
  }

  /// Product of the dimensions.
  std::int64_t element_count() const { return element_count_; }

  /// "[1, 28, 28]".
  std::string ToString() const;

  friend bool operator==(const Shape& a, const Shape& b) = default;

 private:
  int rank_ = 0;
  std::array<std::int64_t, kMaxRank> dimensions_{};
  std::int64_t element_count_ = 0;
};

}  // namespace espalier
