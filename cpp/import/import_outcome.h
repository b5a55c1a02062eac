// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/memory.h"
#include "espalier/error.h"
#include "espalier/import.h"

namespace espalier {

/// True if `import` does with any bytes what it may: refuses them with MODEL_FILE, or for what
/// ImportOptions have to say, or makes a network that can be described.
template <typename Import>
bool IsImportedOrRefused(const std::uint8_t* data, std::size_t size, Import import) {
  SetNativeBytesLimit(std::int64_t{1} << 28);
  try {
    ImportReport report;
    import(std::as_bytes(std::span(data, size)), report).Describe();
    return !report.ToString().empty();
  } catch (const Error& error) {
    return error.code() == ErrorCode::kModelFile || error.code() == ErrorCode::kOutOfMemory ||
           error.code() == ErrorCode::kInvalidArgument;
  }
}

}  // namespace espalier
