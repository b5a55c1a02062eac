// SPDX-License-Identifier: Apache-2.0
#pragma once

// What this core can do at most, measured in the same run as what is compared with it.

namespace espalier {

/// Fused multiply-adds (multiplications and additions on targets without) from registers with
/// the active target, GFLOP/s of one thread.
double PeakGflops();

/// Reading `kib` KiB over and over with vector loads of the active target, GB/s of one
/// thread: 256 KiB lie in L2 on any CPU of the last ten years.
double ReadGigabytesPerSecond(int kib);

/// The size of the data or unified cache of level 1, 2 or 3 in KiB, as the system tells it; a
/// usual size where it does not.
int CacheKib(int level);

/// KiB to read so that they come from cache level 1, 2 or 3, or from memory (4).
int WorkingSetKib(int level);

}  // namespace espalier
