// SPDX-License-Identifier: Apache-2.0
#pragma once

// CRC-32 as in zip, gzip and Python's zlib.crc32, so that anyone can check a model file.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace espalier {

/// A checksum that grows piece by piece; the value of nothing is 0.
class Crc32 {
 public:
  void Update(std::span<const std::byte> bytes);

  std::uint32_t value() const { return ~state_; }

  /// Eight lower-case hexadecimal digits.
  std::string ToString() const;

 private:
  std::uint32_t state_ = 0xFFFFFFFFu;
};

Crc32 Crc32Of(std::string_view text);

}  // namespace espalier
