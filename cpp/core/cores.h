// SPDX-License-Identifier: Apache-2.0
#pragma once

// The cores this process may use, and what the caches that each has for itself hold.

#include <cstdint>
#include <span>
#include <vector>

namespace espalier {

/// Cores behind the CPUs that this process may use, by its first thread's affinity mask when first
/// asked: CPUs of one core (hyperthreads) count once. At most AvailableCpus().
int AvailableCores();

/// The number of the core that the calling thread is on just now, from 0 on: below the number of
/// cores in that mask, or, on a CPU outside it, that CPU's own.
int CurrentCore();

/// Of a core; what is usual (32 KiB, 1 MiB) where the system doesn't say.
std::int64_t L1DataCacheBytes();
std::int64_t L2CacheBytes();

/// A core's number for each CPU, in the order of the CPUs. first_sibling[cpu]: the first CPU of the
/// CPU's core, or -1, which has no number either: -1.
std::vector<int> NumberCores(std::span<const int> first_sibling);

}  // namespace espalier
