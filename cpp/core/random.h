// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counter-based random numbers: any number of any stream can be had at once, so results
// do not depend on threads or order. Philox4x32-10, Salmon et al., "Parallel Random
// Numbers: As Easy as 1, 2, 3", SC 2011.

#include <array>
#include <cstdint>

namespace espalier {

/// What numbers are for: each purpose has a stream of its own. Values are part of the
/// format of results; never renumber.
enum class RandomPurpose : std::uint32_t {
  kInitializer = 1,
  kDropout = 2,
  kTest = 3,
};

/// One stream: a seed, a purpose and an index (a parameter's path hash, a step, …).
struct RandomKey {
  std::uint64_t seed = 0;
  RandomPurpose purpose = RandomPurpose::kTest;
  std::uint32_t index = 0;
  std::uint32_t subindex = 0;
};

/// The generator itself: counter and key to four words.
std::array<std::uint32_t, 4> Philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

/// The `block`-th four words of a stream.
std::array<std::uint32_t, 4> RandomBlock(const RandomKey& key, std::uint32_t block);

/// A reader of one stream from its beginning.
class Random {
 public:
  explicit Random(const RandomKey& key) : key_(key) {}

  std::uint32_t NextUint32();
  std::uint64_t NextBelow(std::uint64_t bound);  ///< unbiased, [0, bound)
  double NextUniform();                          ///< [0, 1), 53 bits
  double NextNormal();                           ///< mean 0, variance 1 (Box-Muller)

 private:
  RandomKey key_;
  std::array<std::uint32_t, 4> block_{};
  std::uint32_t next_block_ = 0;
  int used_ = 4;
};

/// A 32-bit hash of a name (FNV-1a), for stream indices.
std::uint32_t HashName(const char* begin, const char* end);

}  // namespace espalier
