// SPDX-License-Identifier: Apache-2.0
#pragma once

// Values of a parameter that a file has as bytes, with a scale for each row of its first dimension.
// Both may come in any order and in pieces; no more memory than the floats' is needed but that of
// the scales.

#include <cstddef>
#include <span>
#include <string>

#include "core/memory.h"

namespace espalier {

class QuantizedValues {
 public:
  QuantizedValues(std::string path, std::span<float> values, std::int64_t rows)
      : path_(std::move(path)), values_(values), scales_(rows) {}

  /// Where the bytes and the scales go.
  std::span<std::byte> bytes_place();
  std::span<float> scales_place() { return scales_.span(); }

  /// Called when either has arrived. When both have, makes the floats of them. Throws Error:
  /// MODEL_FILE for a scale that is not above 0 or gives values that are not finite, and for the
  /// byte -128, which no file of this library has.
  void Arrived();

 private:
  void CheckScales() const;
  void Expand();

  std::string path_;
  std::span<float> values_;
  AlignedArray<float> scales_;
  int missing_ = 2;
};

}  // namespace espalier
