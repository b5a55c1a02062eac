// SPDX-License-Identifier: Apache-2.0
#include "import/external_data.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/memory.h"
#include "core/text.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

// The path without links; fails where there is no such file.
fs::path Resolved(const fs::path& path) {
  std::error_code error;
  fs::path resolved = fs::canonical(path, error);
  if (error) Fail(ErrorCode::kIo, path.filename().string(), ": ", error.message());
  return resolved;
}

}  // namespace

ExternalData::ExternalData(const std::string& path, std::int64_t most_bytes)
    : folder_(Resolved(path).parent_path().string()), left_bytes_(most_bytes) {}

void ExternalData::Open(const std::string& location) {
  if (open_ != nullptr && open_location_ == location) return;
  const fs::path relative(location);
  const bool leaves = relative.empty() || relative.is_absolute() ||
                      std::ranges::find(relative, fs::path("..")) != relative.end();
  if (leaves || location.find('\0') != std::string::npos) {
    Fail(ErrorCode::kModelFile, "expected data in the model's folder, got '", location, "'");
  }
  const fs::path folder(folder_);
  const fs::path resolved = Resolved(folder / relative);
  const auto [end, unused] = std::ranges::mismatch(folder, resolved);
  if (end != folder.end()) {
    Fail(ErrorCode::kModelFile, "expected data in the model's folder, got '", location,
         "', a link out of it");
  }
  open_ = std::make_unique<FileSource>(resolved.string());
  open_location_ = location;
}

ForeignTensor ExternalData::Read(ForeignType type, std::vector<std::int64_t> dimensions,
                                 const ExternalPlace& place) {
  const std::int64_t bytes = ForeignElementCount(dimensions) * ForeignTypeBytes(type);
  if (place.length.value_or(bytes) != bytes) {
    Fail(ErrorCode::kModelFile, "expected ", bytes, " bytes in '", place.location, "', got ",
         *place.length);
  }
  Open(place.location);
  if (place.offset < 0 || bytes > open_->size() || place.offset > open_->size() - bytes) {
    Fail(ErrorCode::kModelFile, "expected ", bytes, " bytes from ", place.offset, " in '",
         place.location, "', which has ", open_->size());
  }
  if (bytes > left_bytes_) {
    Fail(ErrorCode::kModelFile, "expected fewer bytes of data beside the model, got more in '",
         place.location, "'");
  }
  left_bytes_ -= bytes;
  const auto values = std::make_shared<AlignedArray<std::byte>>(bytes);
  open_->ReadAt(place.offset, values->span());
  return {type, std::move(dimensions), std::as_const(*values).span(), values};
}

}  // namespace espalier
