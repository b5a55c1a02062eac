// SPDX-License-Identifier: Apache-2.0
#include "files/crc32.h"

#include <array>
#include <bit>
#include <cstring>

namespace espalier {
namespace {

constexpr std::uint32_t kPolynomial = 0xEDB88320u;  // IEEE 802.3, bits reversed

// tables[k][b]: the checksum's state after byte b and k zero bytes ("slicing by 8", Kounavis
// and Berry, "A Systematic Approach to Building High Performance Software-based CRC
// Generators", ISCC 2005).
constexpr std::array<std::array<std::uint32_t, 256>, 8> MakeTables() {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t state = byte;
    for (int bit = 0; bit < 8; ++bit) {
      state = (state >> 1) ^ ((state & 1) != 0 ? kPolynomial : 0);
    }
    tables[0][byte] = state;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t state = tables[k - 1][byte];
      tables[k][byte] = (state >> 8) ^ tables[0][state & 0xFF];
    }
  }
  return tables;
}

constexpr auto kTables = MakeTables();

}  // namespace

static_assert(std::endian::native == std::endian::little, "files are little-endian");

void Crc32::Update(std::span<const std::byte> bytes) {
  const std::byte* next = bytes.data();
  std::size_t left = bytes.size();
  std::uint32_t state = state_;
  for (; left >= 8; next += 8, left -= 8) {
    std::array<std::uint32_t, 2> words;
    std::memcpy(words.data(), next, 8);
    const std::uint32_t low = words[0] ^ state;
    const std::uint32_t high = words[1];
    state = kTables[7][low & 0xFF] ^ kTables[6][(low >> 8) & 0xFF] ^
            kTables[5][(low >> 16) & 0xFF] ^ kTables[4][low >> 24] ^ kTables[3][high & 0xFF] ^
            kTables[2][(high >> 8) & 0xFF] ^ kTables[1][(high >> 16) & 0xFF] ^
            kTables[0][high >> 24];
  }
  for (; left > 0; ++next, --left) {
    state = (state >> 8) ^ kTables[0][(state ^ static_cast<std::uint32_t>(*next)) & 0xFF];
  }
  state_ = state;
}

std::string Crc32::ToString() const {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(8, '0');
  for (std::size_t i = 0; i < 8; ++i) {
    text[i] = kDigits[(value() >> (28 - 4 * i)) & 0xF];
  }
  return text;
}

Crc32 Crc32Of(std::string_view text) {
  Crc32 checksum;
  checksum.Update(std::as_bytes(std::span(text)));
  return checksum;
}

}  // namespace espalier
