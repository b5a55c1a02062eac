// SPDX-License-Identifier: Apache-2.0
#include "import/onnx_tensor.h"

#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "espalier/shape.h"
#include "import/onnx_entry.h"
#include "import/onnx_schema.h"

namespace espalier {
namespace {

template <typename T>
void AppendBytes(T value, std::vector<std::byte>& bytes) {
  const std::size_t end = bytes.size();
  bytes.resize(end + sizeof(T));
  std::memcpy(bytes.data() + end, &value, sizeof(T));
}

// An element of an integer field, in as many bytes as the type has: little-endian, so the first.
void AppendInteger(std::int64_t value, std::int64_t element_bytes, std::vector<std::byte>& bytes) {
  const std::size_t end = bytes.size();
  bytes.resize(end + static_cast<std::size_t>(element_bytes));
  std::memcpy(bytes.data() + end, &value, static_cast<std::size_t>(element_bytes));
}

class TensorReader {
 public:
  explicit TensorReader(ExternalData* external) : external_(external) {}

  OnnxTensor Read(ProtoMessage message, const std::shared_ptr<const void>& owner) {
    // Types stand before data in all files that writers make, but need not.
    ProtoMessage types = message;
    while (types.Next()) {
      if (types.field() == onnx::Tensor::kType) {
        data_type_ = types.Integer();
      } else {
        types.Skip();
      }
    }
    type_ = ForeignTypeOfOnnx(data_type_);
    while (message.Next()) ReadField(message);
    try {
      return {name_, Finish(owner)};
    } catch (const Error& error) {
      Fail(error.code(), "tensor '", name_, "': ", MessageOf(error));
    }
  }

 private:
  void ReadField(ProtoMessage& message) {
    const std::int64_t element_bytes = ForeignTypeBytes(type_);
    // Halves are written as integers, too.
    const bool has_integers =
        element_bytes > 0 && type_ != ForeignType::kFloat32 && type_ != ForeignType::kFloat64;
    const auto append_integer = [&](std::int64_t value) {
      if (has_integers) AppendInteger(value, element_bytes, typed_);
    };
    switch (message.field()) {
      case onnx::Tensor::kDimensions:
        message.Integers([this](std::int64_t dimension) { AddDimension(dimension); });
        break;
      case onnx::Tensor::kFloats:
        message.Floats([&](float value) {
          if (type_ == ForeignType::kFloat32) AppendBytes(value, typed_);
        });
        break;
      case onnx::Tensor::kInt32s:
      case onnx::Tensor::kInt64s:
      case onnx::Tensor::kUint64s:
        message.Integers(append_integer);
        break;
      case onnx::Tensor::kName:
        name_ = message.Text();
        break;
      case onnx::Tensor::kRaw:
        raw_ = message.Bytes();
        break;
      case onnx::Tensor::kDoubles:
        message.Doubles([&](double value) {
          if (type_ == ForeignType::kFloat64) AppendBytes(value, typed_);
        });
        break;
      case onnx::Tensor::kExternalData:
        ReadPlace(message.Message());
        break;
      case onnx::Tensor::kLocation:
        is_external_ = message.Integer() == onnx::Tensor::kExternal;
        break;
      default:
        message.Skip();
    }
  }

  void AddDimension(std::int64_t dimension) {
    if (dimensions_.size() == static_cast<std::size_t>(Shape::kMaxRank)) {
      Fail(ErrorCode::kModelFile, "expected arrays of at most ", Shape::kMaxRank,
           " dimensions, got more");
    }
    dimensions_.push_back(dimension);
  }

  void ReadPlace(const ProtoMessage& message) {
    const OnnxEntry entry = ReadOnnxEntry(message);
    const std::string& key = entry.key;
    const std::string value = ProtoMessage::TextOf(entry.value);
    if (key == "location") place_.location = value;
    if (key == "offset") place_.offset = WholeNumber(key, value);
    if (key == "length") place_.length = WholeNumber(key, value);
  }

  static std::int64_t WholeNumber(const std::string& key, const std::string& text) {
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stop != end || number < 0) {
      Fail(ErrorCode::kModelFile, key, ": expected a whole number, got '", text, "'");
    }
    return number;
  }

  ForeignTensor Finish(const std::shared_ptr<const void>& owner) {
    if (type_ == ForeignType::kUnknown) {
      Fail(ErrorCode::kModelFile, "expected numbers, got ONNX's element type ", data_type_);
    }
    if (is_external_ && external_ == nullptr) {
      Fail(ErrorCode::kModelFile, "expected all data in the model's file, got some in '",
           place_.location,
           "'; import it by its path, with ImportOptions that allow external data");
    }
    if (is_external_) return external_->Read(type_, std::move(dimensions_), place_);
    if (raw_) return {type_, std::move(dimensions_), *raw_, owner};
    return ForeignTensor::OfBytes(type_, std::move(dimensions_), std::move(typed_));
  }

  std::string name_;
  std::int64_t data_type_ = 0;
  ForeignType type_ = ForeignType::kUnknown;
  std::vector<std::int64_t> dimensions_;
  std::optional<std::span<const std::byte>> raw_;
  std::vector<std::byte> typed_;
  bool is_external_ = false;
  ExternalPlace place_;
  ExternalData* external_;
};

}  // namespace

ForeignType ForeignTypeOfOnnx(std::int64_t data_type) {
  switch (static_cast<onnx::ElementType>(data_type)) {
    case onnx::ElementType::kFloat:
      return ForeignType::kFloat32;
    case onnx::ElementType::kUint8:
      return ForeignType::kUint8;
    case onnx::ElementType::kInt8:
      return ForeignType::kInt8;
    case onnx::ElementType::kUint16:
      return ForeignType::kUint16;
    case onnx::ElementType::kInt16:
      return ForeignType::kInt16;
    case onnx::ElementType::kInt32:
      return ForeignType::kInt32;
    case onnx::ElementType::kInt64:
      return ForeignType::kInt64;
    case onnx::ElementType::kBool:
      return ForeignType::kBool;
    case onnx::ElementType::kFloat16:
      return ForeignType::kFloat16;
    case onnx::ElementType::kDouble:
      return ForeignType::kFloat64;
    case onnx::ElementType::kUint32:
      return ForeignType::kUint32;
    case onnx::ElementType::kUint64:
      return ForeignType::kUint64;
    case onnx::ElementType::kBfloat16:
      return ForeignType::kBfloat16;
    default:
      return ForeignType::kUnknown;
  }
}

OnnxTensor ReadOnnxTensor(ProtoMessage message, const std::shared_ptr<const void>& owner,
                          ExternalData* external) {
  return TensorReader(external).Read(message, owner);
}

}  // namespace espalier
