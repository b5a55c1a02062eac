// SPDX-License-Identifier: Apache-2.0
#include "files/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "core/text.h"
#include "files/json_writer.h"
#include "files/strict_json.h"

namespace espalier {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian");

constexpr std::int64_t kLengthBytes = 8;
constexpr std::int64_t kPaddingBytes = 8;  // the header's length is a multiple of it
constexpr const char* kMetadataKey = "__metadata__";

struct TypeRow {
  std::string_view name;
  std::int64_t bytes;  // of an element
};

constexpr std::array kTypes = {
    TypeRow{"F32", 4},     TypeRow{"F16", 2},     TypeRow{"BF16", 2}, TypeRow{"F64", 8},
    TypeRow{"F8_E4M3", 1}, TypeRow{"F8_E5M2", 1}, TypeRow{"I64", 8},  TypeRow{"I32", 4},
    TypeRow{"I16", 2},     TypeRow{"I8", 1},      TypeRow{"U64", 8},  TypeRow{"U32", 4},
    TypeRow{"U16", 2},     TypeRow{"U8", 1},      TypeRow{"BOOL", 1},
};

std::uint64_t HeaderLength(std::span<const std::byte> first_bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, first_bytes.data(), sizeof(length));
  return length;
}

void CheckHeaderLength(std::uint64_t length, const ModelFileLimits& limits, SafetensorsForm form) {
  if (length > static_cast<std::uint64_t>(limits.header_bytes)) {
    Fail(ErrorCode::kModelFile, "header: expected a length of at most ", limits.header_bytes,
         " bytes, got ", length);
  }
  if (form == SafetensorsForm::kModelFile && (length == 0 || length % kPaddingBytes != 0)) {
    Fail(ErrorCode::kModelFile, "header: expected a length that is a multiple of ", kPaddingBytes,
         ", got ", length);
  }
}

std::string ReadHeaderText(const ByteSource& file, const ModelFileLimits& limits,
                           SafetensorsForm form) {
  if (file.size() < kLengthBytes) {
    Fail(ErrorCode::kModelFile, "expected at least ", kLengthBytes, " bytes, got ", file.size());
  }
  std::array<std::byte, kLengthBytes> prefix;
  file.ReadAt(0, prefix);
  const std::uint64_t length = HeaderLength(prefix);
  const auto available = static_cast<std::uint64_t>(file.size() - kLengthBytes);
  if (length > available) {
    Fail(ErrorCode::kModelFile, "header: expected a length of at most ", available,
         " bytes, which the file has left, got ", length);
  }
  CheckHeaderLength(length, limits, form);
  std::string text(length, '\0');
  file.ReadAt(kLengthBytes, std::as_writable_bytes(std::span(text)));
  return text;
}

// The header without its padding: spaces at the end, up to seven in a model file.
std::string_view WithoutPadding(std::string_view text, SafetensorsForm form) {
  const std::size_t end = text.find_last_not_of(' ') + 1;
  if (form == SafetensorsForm::kAnyProgram) return text.substr(0, end);
  if (end == 0 || text[end - 1] != '}' ||
      text.size() - end >= static_cast<std::size_t>(kPaddingBytes)) {
    Fail(ErrorCode::kModelFile, "header: expected an object and at most ", kPaddingBytes - 1,
         " spaces at its end");
  }
  return text.substr(0, end);
}

void CheckKey(std::string_view what, const std::string& name, const ModelFileLimits& limits) {
  if (name.empty() || static_cast<std::int64_t>(name.size()) > limits.name_bytes ||
      name.find('\0') != std::string::npos) {
    Fail(ErrorCode::kModelFile, "header: expected ", what, " of 1 to ", limits.name_bytes,
         " bytes without NUL, got one of ", name.size(), " bytes");
  }
}

std::map<std::string, std::string> ReadMetadata(const JsonReader& metadata,
                                                const ModelFileLimits& limits) {
  const auto* members = std::get_if<JsonValue::Object>(&metadata.value().content);
  if (members == nullptr) {
    metadata.Refuse("an object");
  }
  std::map<std::string, std::string> result;
  for (const JsonMember& member : *members) {
    CheckKey("metadata keys", member.key, limits);
    const JsonReader value(member.value, JsonFieldPath(metadata.path(), member.key));
    result.emplace(member.key, value.Text());
  }
  return result;
}

// Of an element of a type that files of this form may have.
std::int64_t ElementBytes(const JsonReader& dtype, SafetensorsForm form) {
  if (form == SafetensorsForm::kModelFile && dtype.Text() != "F32" && dtype.Text() != "I8") {
    dtype.Refuse("F32 or I8");
  }
  const auto* row = std::ranges::find(kTypes, dtype.Text(), &TypeRow::name);
  if (row == kTypes.end()) dtype.Refuse("F32, F16, BF16, F64 or another known type");
  return row->bytes;
}

// Bytes of a tensor of this shape; cannot wrap.
std::int64_t TensorBytes(const std::string& name, std::int64_t element_bytes,
                         const std::vector<std::int64_t>& shape, const ModelFileLimits& limits,
                         SafetensorsForm form) {
  const std::int64_t least = form == SafetensorsForm::kModelFile ? 1 : 0;
  const auto rank = static_cast<std::int64_t>(shape.size());
  if (rank < least || rank > limits.rank) {
    Fail(ErrorCode::kModelFile, "tensor '", name, "': expected ", least, " to ", limits.rank,
         " dimensions, got ", rank);
  }
  std::int64_t bytes = element_bytes;
  for (const std::int64_t dimension : shape) {
    if (dimension < least) {
      Fail(ErrorCode::kModelFile, "tensor '", name, "': expected dimensions of at least ", least,
           ", got ", dimension);
    }
    if (__builtin_mul_overflow(bytes, dimension, &bytes)) {
      Fail(ErrorCode::kModelFile, "tensor '", name, "': expected a size of less than 2^63 bytes, ",
           "got [", Join(shape, ", "), "]");
    }
  }
  return bytes;
}

SafetensorsTensor ReadTensor(const JsonMember& member, std::int64_t data_bytes,
                             const ModelFileLimits& limits, SafetensorsForm form) {
  CheckKey("tensor names", member.key, limits);
  JsonFields fields(JsonReader(member.value, Concat("header: tensor '", member.key, "'")));
  SafetensorsTensor tensor;
  tensor.name = member.key;
  const JsonReader dtype = fields.Required("dtype");
  const std::int64_t element_bytes = ElementBytes(dtype, form);
  tensor.type = dtype.Text();
  tensor.shape = fields.Required("shape").Integers();
  const std::vector<std::int64_t> offsets = fields.Required("data_offsets").Integers();
  fields.Finish();
  const std::int64_t bytes = TensorBytes(tensor.name, element_bytes, tensor.shape, limits, form);
  if (offsets.size() != 2) {
    Fail(ErrorCode::kModelFile, "tensor '", tensor.name, "': expected 2 data_offsets, got ",
         offsets.size());
  }
  tensor.begin = offsets[0];
  tensor.end = offsets[1];
  if (tensor.begin < 0 || tensor.begin > tensor.end || tensor.end > data_bytes) {
    Fail(ErrorCode::kModelFile, "tensor '", tensor.name,
         "': expected data_offsets in order from 0 to ", data_bytes, ", got [", tensor.begin, ", ",
         tensor.end, "]");
  }
  if (tensor.end - tensor.begin != bytes) {
    Fail(ErrorCode::kModelFile, "tensor '", tensor.name, "': expected ", bytes,
         " bytes for shape [", Join(tensor.shape, ", "), "], got data_offsets [", tensor.begin,
         ", ", tensor.end, "]");
  }
  return tensor;
}

// In the order of their data: each begins where the one before ends.
void CheckCoverage(const std::vector<SafetensorsTensor>& tensors) {
  std::int64_t end = 0;
  for (const SafetensorsTensor& tensor : tensors) {
    if (tensor.begin != end) {
      Fail(ErrorCode::kModelFile, "tensor '", tensor.name, "': expected data at ", end, ", got ",
           tensor.begin, tensor.begin < end ? ", which overlaps" : ", which leaves a hole");
    }
    end = tensor.end;
  }
}

SafetensorsHeader ParseHeader(std::string_view text, std::int64_t most_data_bytes,
                              const ModelFileLimits& limits, SafetensorsForm form) {
  const JsonValue parsed =
      ParseStrictJson(WithoutPadding(text, form), "header",
                      {.bytes = static_cast<std::size_t>(limits.header_bytes)});
  const auto* members = std::get_if<JsonValue::Object>(&parsed.content);
  if (members == nullptr) {
    Fail(ErrorCode::kModelFile, "header: expected an object, got an array");
  }
  if (static_cast<std::int64_t>(members->size()) > limits.tensors + 1) {
    Fail(ErrorCode::kModelFile, "header: expected at most ", limits.tensors, " tensors, got ",
         members->size());
  }
  SafetensorsHeader header;
  header.data_begin = kLengthBytes + static_cast<std::int64_t>(text.size());
  for (const JsonMember& member : *members) {
    if (member.key == kMetadataKey) {
      header.metadata = ReadMetadata(JsonReader(member.value, "header.__metadata__"), limits);
    } else {
      header.tensors.push_back(ReadTensor(member, most_data_bytes, limits, form));
    }
  }
  std::sort(header.tensors.begin(), header.tensors.end(), [](const auto& a, const auto& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  CheckCoverage(header.tensors);
  return header;
}

}  // namespace

SafetensorsHeader ReadSafetensorsHeader(const ByteSource& file, const ModelFileLimits& limits,
                                        SafetensorsForm form) {
  const std::string text = ReadHeaderText(file, limits, form);
  const auto begin = kLengthBytes + static_cast<std::int64_t>(text.size());
  SafetensorsHeader header = ParseHeader(text, file.size() - begin, limits, form);
  if (header.data_bytes() != file.size() - begin) {
    Fail(ErrorCode::kModelFile, "expected ", header.data_bytes(), " bytes of data, got ",
         file.size() - begin);
  }
  return header;
}

std::int64_t SafetensorsDataBegin(std::span<const std::byte> first_bytes,
                                  const ModelFileLimits& limits) {
  if (first_bytes.size() < static_cast<std::size_t>(kLengthBytes)) {
    Fail(ErrorCode::kModelFile, "expected at least ", kLengthBytes, " bytes, got ",
         first_bytes.size());
  }
  const std::uint64_t length = HeaderLength(first_bytes);
  CheckHeaderLength(length, limits, SafetensorsForm::kModelFile);
  return kLengthBytes + static_cast<std::int64_t>(length);
}

SafetensorsHeader ParseSafetensorsHeader(std::span<const std::byte> bytes,
                                         const ModelFileLimits& limits) {
  const auto text = bytes.subspan(kLengthBytes);
  return ParseHeader({reinterpret_cast<const char*>(text.data()), text.size()}, INT64_MAX, limits,
                     SafetensorsForm::kModelFile);
}

std::string WriteSafetensorsHeader(const SafetensorsHeader& header, const ModelFileLimits& limits) {
  JsonObject metadata;
  for (const auto& [key, value] : header.metadata) {
    metadata.Add(key, value);
  }
  JsonObject object;
  object.Add(kMetadataKey, metadata.Finish());
  for (const SafetensorsTensor& tensor : header.tensors) {
    JsonObject entry;
    entry.Add("dtype", tensor.type);
    entry.Add("shape", tensor.shape);
    entry.Add("data_offsets", std::array{tensor.begin, tensor.end});
    object.Add(tensor.name, entry.Finish());
  }
  const std::string json = object.Finish().text;
  const auto json_bytes = static_cast<std::int64_t>(json.size());
  const std::int64_t length = (json_bytes + kPaddingBytes - 1) / kPaddingBytes * kPaddingBytes;
  if (length > limits.header_bytes ||
      static_cast<std::int64_t>(header.tensors.size()) > limits.tensors) {
    Fail(ErrorCode::kInvalidArgument, "expected a network whose file has at most ",
         limits.header_bytes, " bytes of header and ", limits.tensors, " tensors, got ", length,
         " and ", header.tensors.size());
  }
  std::string result(static_cast<std::size_t>(kLengthBytes + length), ' ');
  const auto prefix = static_cast<std::uint64_t>(length);
  std::memcpy(result.data(), &prefix, sizeof(prefix));
  std::copy(json.begin(), json.end(), result.begin() + kLengthBytes);
  return result;
}

}  // namespace espalier
