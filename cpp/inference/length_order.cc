// SPDX-License-Identifier: Apache-2.0
#include "inference/length_order.h"
#include "core/fast_paths.h"

#include <algorithm>

namespace espalier {
namespace {

// Each piece reads all weights, which takes as long as computing some positions: padding of no more
// than these, or of no more than one position in eight, is cheaper than another piece.
constexpr std::int64_t kFreePadding = 32;
constexpr std::int64_t kPaddingPart = 8;

struct Entry {
  std::int64_t positions;
  std::int64_t example;
};

}  // namespace

LengthOrder::LengthOrder(const InputPointers& inputs, std::int64_t first, std::int64_t count)
    : count_(static_cast<std::size_t>(count)) {
  std::array<Entry, kMost> entries;
  for (std::size_t i = 0; i < count_; ++i) {
    const std::int64_t example = first + static_cast<std::int64_t>(i);
    entries[i] = {.positions = inputs.PositionsOf(example), .example = example};
  }
  std::sort(entries.begin(), entries.begin() + count, [](const Entry& a, const Entry& b) {
    return a.positions != b.positions ? a.positions > b.positions : a.example < b.example;
  });
  for (std::size_t i = 0; i < count_; ++i) {
    examples_[i] = entries[i].example;
    positions_[i] = static_cast<std::int32_t>(entries[i].positions);
  }
}

std::span<const std::int64_t> LengthOrder::NextPiece(std::int64_t most) {
  const std::size_t begin = done_;
  const std::size_t end = std::min(count_, begin + static_cast<std::size_t>(most));
  if (begin == end) return {};
  const std::int64_t longest = positions_[begin];
  std::int64_t padding = 0;
  while (done_ < end) {
    padding += longest - positions_[done_];
    const auto examples = static_cast<std::int64_t>(done_ - begin + 1);
    if (padding > std::max(kFreePadding, examples * longest / kPaddingPart) &&
        Takes(FastPath::kLengthOrder)) {
      break;
    }
    ++done_;
  }
  return std::span(examples_).subspan(begin, done_ - begin);
}

}  // namespace espalier
