// SPDX-License-Identifier: Apache-2.0
#pragma once

// JSON text from values: real numbers in the fewest digits that read back to the same bits.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace espalier {

/// Keeps the order in which members are added.
using JsonTree = nlohmann::ordered_json;

/// One line. Throws Error: INVALID_ARGUMENT if some text is not UTF-8.
std::string WriteJson(const JsonTree& tree);

/// Throws Error: INVALID_ARGUMENT if `value` is not finite, for which JSON has no number.
JsonTree RealToJson(std::string_view what, double value);

}  // namespace espalier
