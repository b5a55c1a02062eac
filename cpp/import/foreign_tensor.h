// SPDX-License-Identifier: Apache-2.0
#pragma once

// Arrays of foreign files: constants of their graphs, in the file's own element types.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace espalier {

/// What the elements of a foreign array are.
enum class ForeignType : std::uint8_t {
  kUnknown,  ///< not said, or none of these: strings, sequences, complex numbers
  kFloat32,
  kFloat16,
  kBfloat16,
  kFloat64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kBool,  ///< a byte each, 0 or 1
};

/// "float16", …
std::string_view ForeignTypeName(ForeignType type);

/// Of one element; 0 for kUnknown.
std::int64_t ForeignTypeBytes(ForeignType type);

bool IsFloatType(ForeignType type);

/// Most elements of a constant.
inline constexpr std::int64_t kMaxForeignElements = std::int64_t{1} << 31;

/// Product of dimensions, each at least 0. Throws Error: MODEL_FILE if one is negative, or it has
/// more than kMaxForeignElements.
std::int64_t ForeignElementCount(std::span<const std::int64_t> dimensions);

/// An array, row-major and little-endian. Its bytes are shared with whatever they came from and
/// never change, so that copies cost nothing. Rank 0 is one element; a dimension may be 0.
class ForeignTensor {
 public:
  /// An empty vector of float32.
  ForeignTensor() = default;

  /// Of bytes that `owner` keeps. Throws Error: MODEL_FILE if they are not as many as type and
  /// dimensions say.
  ForeignTensor(ForeignType type, std::vector<std::int64_t> dimensions,
                std::span<const std::byte> bytes, std::shared_ptr<const void> owner);

  static ForeignTensor OfFloats(std::vector<std::int64_t> dimensions, std::vector<float> values);
  static ForeignTensor OfIntegers(std::vector<std::int64_t> dimensions,
                                  std::vector<std::int64_t> values);
  static ForeignTensor OfBytes(ForeignType type, std::vector<std::int64_t> dimensions,
                               std::vector<std::byte> bytes);

  ForeignType type() const { return type_; }
  const std::vector<std::int64_t>& dimensions() const { return dimensions_; }
  int rank() const { return static_cast<int>(dimensions_.size()); }
  std::int64_t element_count() const { return element_count_; }
  std::span<const std::byte> bytes() const { return bytes_; }

  /// One element; real numbers are rounded to float32, towards zero to integers.
  float FloatAt(std::int64_t index) const;
  std::int64_t IntegerAt(std::int64_t index) const;

  /// All elements.
  std::vector<float> Floats() const;
  void CopyFloats(std::span<float> values) const;
  std::vector<std::int64_t> Integers() const;

  /// The same elements. Throws Error: MODEL_FILE if their number differs.
  ForeignTensor Reshaped(std::vector<std::int64_t> dimensions) const;

 private:
  ForeignType type_ = ForeignType::kFloat32;
  std::vector<std::int64_t> dimensions_ = {0};
  std::int64_t element_count_ = 0;
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
};

}  // namespace espalier
