// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace espalier {

/// Bytes of the calling thread's stack below the caller's frame, what the system or a virtual
/// machine guards at its end included; the greatest number there is if the system can't say. A few
/// nanoseconds, but for a thread's first call.
std::int64_t StackBytesLeft();

}  // namespace espalier
