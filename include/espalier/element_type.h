// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace espalier {

/// What a value is made of. Four bytes each.
enum class ElementType : std::uint8_t {
  kFloat32,
  kInt32,  ///< ids, lengths; no gradient flows to them
};

constexpr std::string_view ElementTypeName(ElementType type) {
  return type == ElementType::kInt32 ? "int32" : "float32";
}

}  // namespace espalier
