// SPDX-License-Identifier: Apache-2.0
#pragma once

// Mistakes on purpose, in sanitized builds alone: CMake defines ESPALIER_SEEDED_FAULTS there as the
// names of the sanitizers.
// Each has to be reported; if it is not, the sanitizers of that run see nothing.

#ifdef ESPALIER_SEEDED_FAULTS

namespace espalier::jvm {

/// What the bridge's throwError takes for a fault instead of an error's code.
inline constexpr int kHeapOverflow = -1001;
inline constexpr int kSignedOverflow = -1002;
inline constexpr int kDataRace = -1003;

/// Commits the fault of that number; does nothing for any other.
void CommitSeededFault(int number);

}  // namespace espalier::jvm

#endif
