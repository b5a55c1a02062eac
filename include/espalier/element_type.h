// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace espalier {

/// What a value is made of. Four bytes each.
enum class ElementType : std::uint8_t {
  kFloat32,
  kInt32,  ///< ids, lengths; no gradient flows to them
};

}  // namespace espalier
