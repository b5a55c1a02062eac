// SPDX-License-Identifier: Apache-2.0
#include "network/metadata.h"

#include <cstddef>
#include <string_view>

#include "core/text.h"
#include "core/utf8.h"

namespace espalier {
namespace {

constexpr std::size_t kMaxEntries = 256;
constexpr std::size_t kMaxKeyBytes = 256;
constexpr std::size_t kMaxBytes = std::size_t{1} << 20;  // of all keys and values
constexpr std::string_view kOwnPrefix = "espalier.";

bool IsPlainText(std::string_view text) {
  return text.find('\0') == std::string_view::npos && IsUtf8(text);
}

void CheckKey(std::string_view key) {
  if (key.empty() || key.size() > kMaxKeyBytes) {
    Fail(ErrorCode::kInvalidArgument, "metadata: expected keys of 1 to ", kMaxKeyBytes,
         " bytes, got ", key.size());
  }
  if (!IsPlainText(key)) {
    Fail(ErrorCode::kInvalidArgument, "metadata: expected keys in UTF-8 without NUL, got others");
  }
  if (key.starts_with(kOwnPrefix)) {
    Fail(ErrorCode::kInvalidArgument, "metadata: expected keys that do not begin with '",
         kOwnPrefix, "', got '", key, "'");
  }
}

}  // namespace

void CheckMetadata(const std::map<std::string, std::string>& metadata) {
  if (metadata.size() > kMaxEntries) {
    Fail(ErrorCode::kInvalidArgument, "metadata: expected at most ", kMaxEntries, " entries, got ",
         metadata.size());
  }
  std::size_t bytes = 0;
  for (const auto& [key, value] : metadata) {
    CheckKey(key);
    if (!IsPlainText(value)) {
      Fail(ErrorCode::kInvalidArgument, "metadata '", key,
           "': expected text in UTF-8 without NUL, got other bytes");
    }
    bytes += key.size() + value.size();
  }
  if (bytes > kMaxBytes) {
    Fail(ErrorCode::kInvalidArgument, "metadata: expected at most ", kMaxBytes,
         " bytes in all keys and values, got ", bytes);
  }
}

}  // namespace espalier
