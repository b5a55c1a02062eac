// SPDX-License-Identifier: Apache-2.0
#pragma once

// What this core can do at most, measured in the same run as what is compared with it.

namespace espalier {

/// Fused multiply-adds from registers with the active target, GFLOP/s of one thread.
double PeakGflops();

/// Reading `kib` KiB over and over with vector loads of the active target, GB/s of one
/// thread: 256 KiB lie in L2 on any CPU of the last ten years.
double ReadGigabytesPerSecond(int kib);

}  // namespace espalier
