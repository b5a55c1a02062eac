// SPDX-License-Identifier: Apache-2.0
#include "files/quantized_values.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "espalier/error.h"
#include "core/text.h"
#include "files/model_file.h"

namespace espalier {
namespace {

bool IsScale(float scale) {  // false for NaN
  return scale > 0.0f && scale * 127.0f <= std::numeric_limits<float>::max();
}

}  // namespace

// The last quarter of the values' own memory: floats that are made of the bytes in order end
// before the bytes that are still to be read.
std::span<std::byte> QuantizedValues::bytes_place() {
  return std::as_writable_bytes(values_).last(values_.size());
}

void QuantizedValues::Arrived() {
  if (--missing_ > 0) return;
  CheckScales();
  Expand();
}

void QuantizedValues::CheckScales() const {
  for (std::int64_t row = 0; row < scales_.size(); ++row) {
    const float scale = scales_[row];
    if (IsScale(scale)) continue;
    Fail(ErrorCode::kModelFile, "'", path_, kScaleSuffix,
         "': expected scales above 0 that give finite values, got ", scale, " in row ", row);
  }
}

void QuantizedValues::Expand() {
  const std::span<const std::byte> bytes = bytes_place();
  const std::size_t columns = values_.size() / static_cast<std::size_t>(scales_.size());
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const auto q = static_cast<std::int8_t>(bytes[i]);
    const std::size_t row = i / columns;
    if (q == INT8_MIN) {
      Fail(ErrorCode::kModelFile, "'", path_,
           "': expected bytes from -127 to 127, got -128 in row ", row);
    }
    values_[i] = static_cast<float>(q) * scales_[static_cast<std::int64_t>(row)];
  }
}

}  // namespace espalier
