// SPDX-License-Identifier: Apache-2.0
#pragma once

// The caches of the CPUs that this process may use.

#include <cstdint>
#include <span>
#include <vector>

namespace espalier {

/// What is usual (32 KiB, 1 MiB) where the system doesn't say.
std::int64_t L1DataCacheBytes();
std::int64_t L2CacheBytes();

/// L2 caches of the CPUs that this process may use, by its first thread's affinity mask when first
/// asked; a container's quota changes nothing. Hyperthreads of a core have one together, and so
/// have some whole cores. Where the system doesn't say, each CPU has its own. At least 1.
int L2CacheCount();

/// Which of them the CPU has that the calling thread is on just now: 0 to L2CacheCount() - 1. Any
/// for a CPU outside that mask.
int CurrentL2Cache();

/// A cache's number for each CPU, in the order of the CPUs. first_sharer[cpu]: the first CPU that
/// has the same cache; or -1, which has no number either: -1.
std::vector<int> NumberCaches(std::span<const int> first_sharer);

}  // namespace espalier
