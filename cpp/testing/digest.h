// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace espalier::testing {

/// FNV-1a of the bits: a number that a test can hold for results that are the same everywhere.
inline std::uint64_t Digest(std::span<const float> values) {
  std::uint64_t digest = 0xcbf29ce484222325u;
  for (const float value : values) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    for (int byte = 0; byte < 4; ++byte) {
      digest = (digest ^ (bits >> (8 * byte) & 0xffu)) * 0x100000001b3u;
    }
  }
  return digest;
}

}  // namespace espalier::testing
