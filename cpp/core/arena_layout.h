// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where the buffers of a plan lie in one array, so that buffers which never live at the
// same time share memory.

#include <cstdint>
#include <vector>

namespace espalier {

/// A buffer that holds a value from time `first` to time `last`, both included.
struct BufferRequest {
  std::int64_t floats = 0;
  int first = 0;
  int last = 0;
};

struct ArenaLayout {
  std::vector<std::int64_t> offsets;  // of each request, in floats; multiples of a cache line
  std::int64_t floats = 0;            // of the whole arena
};

/// Largest buffer first, each at the lowest place that is free for its whole life; thousands of
/// buffers in the order of their lives, which takes a little more memory and far less time.
ArenaLayout LayOutArena(const std::vector<BufferRequest>& requests);

}  // namespace espalier
