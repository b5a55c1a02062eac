// SPDX-License-Identifier: Apache-2.0
#include "files/model_stream.h"

#include <algorithm>
#include <istream>
#include <ostream>
#include <utility>

#include "core/text.h"
#include "files/foreign_file.h"
#include "network/cost.h"

namespace espalier {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;

}  // namespace

ModelReader::ModelReader(const LoadOptions& options) : options_(options) {
  CheckLimitValues(options.network_limits);
}

void ModelReader::Write(std::span<const std::byte> bytes) {
  try {
    if (plan_) {
      WriteValues(bytes);
    } else {
      header_.insert(header_.end(), bytes.begin(), bytes.end());
      ReadHeader(/*is_end=*/false);
    }
  } catch (const Error& error) {
    RethrowAsModelFile(error, header_);
  }
}

Network ModelReader::Finish() {
  try {
    if (!plan_) {
      ReadHeader(/*is_end=*/true);
    }
    if (plan_->network == nullptr) {
      Fail(ErrorCode::kInvalidState, "expected a reader at work, got one that has finished");
    }
    if (received_bytes_ != plan_->data_bytes) {
      Fail(ErrorCode::kModelFile, "expected ", plan_->data_bytes, " bytes of data, got ",
           received_bytes_);
    }
    CheckNoChecksumLeft(*plan_);
    return Network(std::move(plan_->network));
  } catch (const Error& error) {
    RethrowAsModelFile(error, header_);
  }
}

std::int64_t ModelReader::NativeBytes() const {
  return plan_ && plan_->network != nullptr ? Network(plan_->network).NativeBytes() : 0;
}

void ModelReader::ReadHeader(bool is_end) {
  // Another kind of file shall be known by its first bytes.
  if (header_.size() < kForeignFileBytes && !is_end) {
    return;
  }
  const auto begin = static_cast<std::size_t>(SafetensorsDataBegin(header_, options_.limits));
  if (header_.size() < begin) {
    if (is_end) {
      Fail(ErrorCode::kModelFile, "header: expected ", begin, " bytes, got ", header_.size());
    }
    return;
  }
  plan_ =
      PlanModel(ParseSafetensorsHeader(std::span(header_).first(begin), options_.limits), options_);
  place_ = 0;
  NextTensor();
  const std::vector<std::byte> values(header_.begin() + static_cast<std::ptrdiff_t>(begin),
                                      header_.end());
  header_.resize(std::min(begin, kForeignFileBytes));
  header_.shrink_to_fit();
  WriteValues(values);
}

// The tensor at `place_` comes next.
void ModelReader::NextTensor() {
  checksum_ = {};
  rest_ = place_ < plan_->tensors.size() ? plan_->tensors[place_].bytes : std::span<std::byte>();
}

void ModelReader::WriteValues(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (place_ == plan_->tensors.size()) {
      Fail(ErrorCode::kModelFile, "expected ", plan_->data_bytes, " bytes of data, got more");
    }
    const std::span<const std::byte> piece = bytes.first(std::min(bytes.size(), rest_.size()));
    std::ranges::copy(piece, rest_.begin());
    checksum_.Update(piece);
    rest_ = rest_.subspan(piece.size());
    bytes = bytes.subspan(piece.size());
    received_bytes_ += static_cast<std::int64_t>(piece.size());
    if (rest_.empty()) {
      const ModelTensor& tensor = plan_->tensors[place_];
      if (!tensor.is_quantized) CheckFinite(tensor.floats, tensor.name, options_);
      FinishTensor(*plan_, tensor, checksum_);
      ++place_;
      NextTensor();
    }
  }
}

ModelWriter::ModelWriter(const Network& network, const SaveOptions& options)
    : content_(network, options) {}

std::size_t ModelWriter::Read(std::span<std::byte> bytes) {
  std::size_t count = 0;
  while (count < bytes.size()) {
    if (rest_.empty()) {
      if (next_ == content_.pieces().size()) break;
      rest_ = content_.pieces()[next_++];
    }
    const std::size_t piece = std::min(bytes.size() - count, rest_.size());
    std::copy_n(rest_.begin(), piece, bytes.begin() + static_cast<std::ptrdiff_t>(count));
    rest_ = rest_.subspan(piece);
    count += piece;
  }
  return count;
}

Network LoadNetwork(std::istream& stream, const NetworkLimits& limits) {
  ModelReader reader({.network_limits = limits});
  std::vector<char> piece(kPieceBytes);
  while (stream) {
    stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    const auto count = static_cast<std::size_t>(stream.gcount());
    reader.Write(std::as_bytes(std::span(piece).first(count)));
  }
  if (stream.bad()) {
    Fail(ErrorCode::kIo, "expected a stream that can be read to its end, got an error");
  }
  return reader.Finish();
}

void SaveNetwork(const Network& network, std::ostream& stream, const SaveOptions& options) {
  ModelWriter writer(network, options);
  std::vector<char> piece(kPieceBytes);
  while (const std::size_t count = writer.Read(std::as_writable_bytes(std::span(piece)))) {
    stream.write(piece.data(), static_cast<std::streamsize>(count));
  }
  if (!stream.flush()) {
    Fail(ErrorCode::kIo, "expected a stream that can be written, got an error");
  }
}

}  // namespace espalier
