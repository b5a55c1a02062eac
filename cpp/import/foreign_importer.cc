// SPDX-License-Identifier: Apache-2.0
#include "import/foreign_importer.h"

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace espalier {

void ForeignImporter::Write(std::span<const std::byte> bytes) {
  const auto count = static_cast<std::int64_t>(bytes.size());
  if (count > options_.file_bytes - size_) {
    Fail(ErrorCode::kModelFile, "expected a file of at most ", options_.file_bytes,
         " bytes, got more");
  }
  if (count > bytes_.size() - size_) {
    const std::int64_t room = std::min(options_.file_bytes, std::max(size_ + count, 2 * size_));
    AlignedArray<std::byte> larger(room);
    std::copy_n(bytes_.data(), size_, larger.data());
    bytes_ = std::move(larger);
  }
  std::copy_n(bytes.data(), count, bytes_.data() + size_);
  size_ += count;
}

Network ForeignImporter::Finish() {
  const AlignedArray<std::byte> bytes = std::exchange(bytes_, {});
  const auto size = static_cast<std::size_t>(std::exchange(size_, 0));
  const std::span<const std::byte> file = bytes.span().first(size);
  return format_ == ForeignFormat::kOnnx ? ImportOnnx(file, options_, &report_)
                                         : ImportTflite(file, options_, &report_);
}

Network ForeignImporter::Read(const std::string& path) {
  return format_ == ForeignFormat::kOnnx ? ImportOnnx(path, options_, &report_)
                                         : ImportTflite(path, options_, &report_);
}

}  // namespace espalier
