// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "files/file_io.h"
#include "import/foreign_tensor.h"

namespace espalier {

/// Where a constant's bytes lie if not in the model's file.
struct ExternalPlace {
  std::string location;  ///< relative to the model's folder
  std::int64_t offset = 0;
  std::optional<std::int64_t> length;
};

/// Files beside a model that hold its constants: in its folder and below, and nowhere else,
/// whatever the model says and links say.
class ExternalData {
 public:
  /// Of the model at `path`; at most `most_bytes` in all.
  ExternalData(const std::string& path, std::int64_t most_bytes);

  /// Throws Error: MODEL_FILE if the place is not below the folder, or has other bytes than type
  /// and dimensions say; IO.
  ForeignTensor Read(ForeignType type, std::vector<std::int64_t> dimensions,
                     const ExternalPlace& place);

 private:
  void Open(const std::string& location);

  std::string folder_;
  std::int64_t left_bytes_ = 0;
  std::string open_location_;
  std::unique_ptr<FileSource> open_;
};

}  // namespace espalier
