// SPDX-License-Identifier: Apache-2.0
#pragma once

// The safetensors format: 8 bytes with the header's length, a JSON header, then the tensors' bytes
// without hole or overlap. Little-endian.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
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

/// How a file is read.
enum class SafetensorsForm {
  kModelFile,   ///< the subset that this library writes: F32 or I8, 1 or more dimensions, none of
                ///< them 0
  kAnyProgram,  ///< what others write: any type whose size is known, scalars, empty tensors
};

struct SafetensorsTensor {
  std::string name;
  std::string type = "F32";
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0;  ///< bytes from the start of the data
  std::int64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsTensor> tensors;  ///< in the order of their data
  std::int64_t data_begin = 0;             ///< bytes from the start of the file
  std::int64_t data_bytes() const { return tensors.empty() ? 0 : tensors.back().end; }
};

/// Bytes from the start of the file to its data, from its first 8 bytes. Throws Error: MODEL_FILE
/// past the limit.
std::int64_t SafetensorsDataBegin(std::span<const std::byte> first_bytes,
                                  const ModelFileLimits& limits);

/// The header of a file of unknown size, from everything before its data; what it says of their
/// size is left to be checked. Throws Error: MODEL_FILE.
SafetensorsHeader ParseSafetensorsHeader(std::span<const std::byte> bytes,
                                         const ModelFileLimits& limits);

/// Throws Error: MODEL_FILE saying what was expected and what was got.
SafetensorsHeader ReadSafetensorsHeader(const ByteSource& file, const ModelFileLimits& limits,
                                        SafetensorsForm form = SafetensorsForm::kModelFile);

/// The first bytes of a file with these tensors, whose data follow in this order: length and
/// header, padded with spaces so that data begin at a multiple of 8. Throws Error:
/// INVALID_ARGUMENT past the limits.
std::string WriteSafetensorsHeader(const SafetensorsHeader& header, const ModelFileLimits& limits);

}  // namespace espalier
