// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a file that is no model file of this library seems to be.

#include <cstddef>
#include <span>
#include <string>

namespace espalier {

/// As many bytes from the start of a file are enough to know it.
inline constexpr std::size_t kForeignFileBytes = 4096;

/// What a file that begins with these bytes seems to be and what to do with it: "an ONNX model;
/// build the network …"; empty if nothing known. `bytes` are all of the file if there are fewer
/// than kForeignFileBytes.
std::string SeemsToBe(std::span<const std::byte> bytes);

/// True if it begins as a model file of this library, which SeemsToBe knows nothing of.
bool SeemsToBeOurs(std::span<const std::byte> bytes);

}  // namespace espalier
