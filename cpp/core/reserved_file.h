// SPDX-License-Identifier: Apache-2.0
#pragma once

// Memory in a file that nobody else can see: for what is too large for memory proper.

#include <cstdint>
#include <string>
#include <utility>

namespace espalier {

/// `bytes` zeroed bytes, mapped from a file without a name in `folder`. The space is reserved
/// before it is mapped and the file has no name left, so nothing can truncate it: no access
/// ends in SIGBUS, and nothing stays behind however the process ends. Move-only.
class ReservedFile {
 public:
  ReservedFile() = default;
  /// Throws Error: OUT_OF_MEMORY, saying why, if the folder cannot give so much.
  ReservedFile(const std::string& folder, std::int64_t bytes);
  ReservedFile(ReservedFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  ReservedFile& operator=(ReservedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~ReservedFile();

  void* data() { return data_; }
  std::int64_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  std::int64_t bytes_ = 0;
};

}  // namespace espalier
