// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/memory.h"
#include "espalier/import.h"

namespace espalier {

/// An ONNX model that comes in pieces, front to back, or as a file; then its network and the
/// report. Belongs to one thread.
class OnnxImporter {
 public:
  explicit OnnxImporter(ImportOptions options) : options_(std::move(options)) {}

  /// Takes the next bytes. Throws Error: MODEL_FILE past the limit of a file's size, OUT_OF_MEMORY.
  void Write(std::span<const std::byte> bytes);

  /// ImportOnnx of all that was written, which is then given free.
  Network Finish();

  /// ImportOnnx of a file.
  Network Read(const std::string& path) { return ImportOnnx(path, options_, &report_); }

  /// Of the network that was made.
  const ImportReport& report() const { return report_; }

  std::int64_t NativeBytes() const { return bytes_.bytes(); }

 private:
  ImportOptions options_;
  AlignedArray<std::byte> bytes_;
  std::int64_t size_ = 0;  // of what was written
  ImportReport report_;
};

}  // namespace espalier
