// SPDX-License-Identifier: Apache-2.0
#include "core/random.h"

#include <cmath>
#include <numbers>

#include "core/text.h"

namespace espalier {
namespace {

constexpr int kRounds = 10;
constexpr std::uint64_t kMultiplier0 = 0xD2511F53;
constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9;  // golden ratio
constexpr std::uint32_t kWeyl1 = 0xBB67AE85;  // sqrt(3) - 1

}  // namespace

std::array<std::uint32_t, 4> Philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

std::array<std::uint32_t, 4> RandomBlock(const RandomKey& key, std::uint32_t block) {
  return Philox4x32(
      {block, key.index, key.subindex, static_cast<std::uint32_t>(key.purpose)},
      {static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32)});
}

std::uint32_t Random::NextUint32() {
  if (used_ == 4) {
    block_ = RandomBlock(key_, next_block_++);
    used_ = 0;
  }
  return block_[static_cast<std::size_t>(used_++)];
}

std::uint64_t Random::NextBelow(std::uint64_t bound) {
  if (bound == 0) Fail(ErrorCode::kInvalidArgument, "random bound: expected at least 1, got 0");
  const std::uint64_t biased = (0 - bound) % bound;  // 2^64 mod bound
  for (;;) {
    const std::uint64_t low = NextUint32();
    const std::uint64_t value = (static_cast<std::uint64_t>(NextUint32()) << 32) | low;
    if (value >= biased) return value % bound;
  }
}

double Random::NextUniform() {
  const std::uint64_t low = NextUint32();
  const std::uint64_t value = (static_cast<std::uint64_t>(NextUint32()) << 32) | low;
  return static_cast<double>(value >> 11) * 0x1p-53;
}

double Random::NextNormal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - NextUniform()));  // (0, 1]: finite
  return radius * std::cos(2.0 * std::numbers::pi * NextUniform());
}

std::uint32_t HashName(const char* begin, const char* end) {
  std::uint32_t hash = 0x811C9DC5;
  for (const char* c = begin; c != end; ++c) {
    hash = (hash ^ static_cast<unsigned char>(*c)) * 0x01000193;
  }
  return hash;
}

}  // namespace espalier
