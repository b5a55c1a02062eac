// SPDX-License-Identifier: Apache-2.0
#pragma once

// The safetensors format, a strict subset: 8 bytes with the header's length, a JSON header,
// then the tensors' bytes without hole or overlap. Little-endian; F32 only.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "files/file_io.h"

namespace espalier {

/// What a file may ask for at most; checked before anything is allocated.
struct ModelFileLimits {
  std::int64_t header_bytes = std::int64_t{16} << 20;
  std::int64_t tensors = 200'000;
  std::int64_t rank = 8;
  std::int64_t name_bytes = 512;
};

struct SafetensorsTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0;  ///< bytes from the start of the data
  std::int64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsTensor> tensors;  ///< in the order of their data
  std::int64_t data_begin = 0;             ///< bytes from the start of the file
};

/// Throws Error: MODEL_FILE saying what was expected and what was got.
SafetensorsHeader ReadSafetensorsHeader(const ByteSource& file, const ModelFileLimits& limits);

/// The first bytes of a file with these tensors, whose data follow in this order: length and
/// header, padded with spaces so that data begin at a multiple of 8. Throws Error:
/// INVALID_ARGUMENT past the limits.
std::string WriteSafetensorsHeader(const SafetensorsHeader& header, const ModelFileLimits& limits);

}  // namespace espalier
