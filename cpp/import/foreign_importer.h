// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/memory.h"
#include "espalier/import.h"

namespace espalier {

enum class ForeignFormat : std::uint8_t { kOnnx, kTflite };

/// A foreign model that comes in pieces, front to back, or as a file; then its network and the
/// report. Belongs to one thread.
class ForeignImporter {
 public:
  ForeignImporter(ForeignFormat format, ImportOptions options)
      : format_(format), options_(std::move(options)) {}

  /// Takes the next bytes. Throws Error: MODEL_FILE past the limit of a file's size, OUT_OF_MEMORY.
  void Write(std::span<const std::byte> bytes);

  /// ImportOnnx, or its like, of all that was written, which is then given free.
  Network Finish();

  /// The same of a file.
  Network Read(const std::string& path);

  /// Of the network that was made.
  const ImportReport& report() const { return report_; }

  std::int64_t NativeBytes() const { return bytes_.bytes(); }

 private:
  ForeignFormat format_;
  ImportOptions options_;
  AlignedArray<std::byte> bytes_;
  std::int64_t size_ = 0;  // of what was written
  ImportReport report_;
};

}  // namespace espalier
