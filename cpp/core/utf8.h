// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace espalier {

/// True if `text` is UTF-8 as RFC 3629 has it: shortest forms, no surrogates, nothing cut off.
inline bool IsUtf8(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned first = byte(i);
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xC2 ? 0
                               : first < 0xE0 ? 2
                               : first < 0xF0 ? 3
                               : first < 0xF5 ? 4
                                              : 0;
    if (length == 0 || text.size() - i < length) return false;
    unsigned code = length == 1 ? first : first & (0x7Fu >> length);
    for (std::size_t j = 1; j < length; ++j) {
      if ((byte(i + j) & 0xC0u) != 0x80) return false;
      code = code << 6 | (byte(i + j) & 0x3Fu);
    }
    if (length == 3 && (code < 0x800 || (code >= 0xD800 && code <= 0xDFFF))) return false;
    if (length == 4 && (code < 0x10000 || code > 0x10FFFF)) return false;
    i += length;
  }
  return true;
}

}  // namespace espalier
