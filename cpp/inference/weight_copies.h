// SPDX-License-Identifier: Apache-2.0
#pragma once

// How many copies of its packed weights a predictor has. On some CPUs two cores that read the same
// bytes, each from its own L2, get a fourth to a third less of them a second than if each reads
// bytes of its own: docs/decisions/0008.

#include <cstdint>

namespace espalier {

/// A copy for each core, as far as CopiesWithin allows, if reading weights of so many bytes from L2
/// is what an example costs; otherwise 1. Smaller weights lie in L1, where sharing costs nothing;
/// larger ones come from a cache or a memory that cores share, in which copies would only take each
/// other's place; and convolutions, which take many multiply-adds (`work`) for each byte, find most
/// of them in L1 again.
int WeightCopiesThatPay(std::int64_t bytes, std::int64_t work);

/// `cores` if so many copies take no more than 8 MiB; otherwise 1: a copy that two cores read is
/// read no faster than one that all read.
int CopiesWithin(std::int64_t bytes, int cores);

}  // namespace espalier
