// SPDX-License-Identifier: Apache-2.0
#include "import/flat_table.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "espalier/error.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

// A table whose one field is a vector of two int64, at an address that 4 divides and 8 does not:
// others' writers align it, and nothing makes them.
std::array<std::uint32_t, 11> Misaligned() {
  std::array<std::uint32_t, 11> words = {
      12,  // where the table is
      6 | (8 << 16),
      4,  // its fields: 6 bytes say so of a table of 8; the first is at 4
      8,  // the table: so far back is what says that
      8,  // so far ahead is the vector
      0,  // not used
      2,  // its length
  };
  const std::array<std::int64_t, 2> values = {-3, std::int64_t{1} << 40};
  std::memcpy(words.data() + 7, values.data(), sizeof(values));
  return words;
}

std::vector<std::int64_t> NumbersOf(std::span<const std::byte> file) {
  flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
  return FlatTable::Root(verifier, file).Numbers<std::int64_t>(0);
}

TEST(FlatTable, ReadsNumbersAtAnyAddress) {
  alignas(16) const std::array<std::uint32_t, 11> words = Misaligned();
  EXPECT_EQ(NumbersOf(std::as_bytes(std::span(words))),
            (std::vector<std::int64_t>{-3, std::int64_t{1} << 40}));
}

TEST(FlatTable, RefusesAVectorThatEndsOutside) {
  alignas(16) std::array<std::uint32_t, 11> words = Misaligned();
  for (const std::uint32_t length : {3u, 1u << 29, ~0u}) {
    words[6] = length;
    EXPECT_THROW(NumbersOf(std::as_bytes(std::span(words))), Error) << length;
  }
}

}  // namespace
}  // namespace espalier
