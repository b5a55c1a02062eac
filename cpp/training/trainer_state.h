// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a trainer remembers from step to step, as tensors with names: for checkpoints.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace espalier {

/// Memory of a trainer: floats, or counts.
struct StateTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::span<float> floats;
  std::span<std::int64_t> counts;  ///< none negative
  bool is_never_negative = false;  ///< the floats

  std::span<std::byte> bytes() const {
    return counts.empty() ? std::as_writable_bytes(floats) : std::as_writable_bytes(counts);
  }
};

}  // namespace espalier
