// SPDX-License-Identifier: Apache-2.0
#include "inference/weight_copies.h"

#include "core/cores.h"

namespace espalier {
namespace {

constexpr std::int64_t kMostBytes = std::int64_t{8} << 20;

}  // namespace

int WeightCopiesThatPay(std::int64_t bytes, std::int64_t work) {
  // Dense layers take a multiply-add for four bytes, in bfloat16 for two.
  const bool is_read_once = work <= bytes;
  const bool is_in_l2 = bytes > L1DataCacheBytes() && bytes <= L2CacheBytes();
  return is_read_once && is_in_l2 ? CopiesWithin(bytes, AvailableCores()) : 1;
}

int CopiesWithin(std::int64_t bytes, int cores) { return bytes <= kMostBytes / cores ? cores : 1; }

}  // namespace espalier
