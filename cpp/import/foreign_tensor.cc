// SPDX-License-Identifier: Apache-2.0
#include "import/foreign_tensor.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "core/half_floats.h"
#include "core/text.h"

namespace espalier {
namespace {

struct TypeRow {
  std::string_view name;
  std::int64_t bytes;
};

// In the order of ForeignType.
constexpr std::array kTypes = {
    TypeRow{"an unknown type", 0}, TypeRow{"float32", 4}, TypeRow{"float16", 2},
    TypeRow{"bfloat16", 2},        TypeRow{"float64", 8}, TypeRow{"int8", 1},
    TypeRow{"int16", 2},           TypeRow{"int32", 4},   TypeRow{"int64", 8},
    TypeRow{"uint8", 1},           TypeRow{"uint16", 2},  TypeRow{"uint32", 4},
    TypeRow{"uint64", 8},          TypeRow{"bool", 1},
};

template <typename T>
T Load(std::span<const std::byte> bytes, std::int64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + static_cast<std::size_t>(index) * sizeof(T), sizeof(T));
  return value;
}

std::int64_t OfReal(double value) {
  if (std::isnan(value)) return 0;
  if (value >= 9.2e18) return std::numeric_limits<std::int64_t>::max();
  if (value <= -9.2e18) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

// Calls `visit` with a function from an index to the element as its own type; half precision as
// float.
template <typename Visit>
auto WithElements(ForeignType type, std::span<const std::byte> bytes, Visit visit) {
  switch (type) {
    case ForeignType::kFloat16:
      return visit([bytes](std::int64_t i) { return FloatOfHalf(Load<std::uint16_t>(bytes, i)); });
    case ForeignType::kBfloat16:
      return visit(
          [bytes](std::int64_t i) { return FloatOfBfloat(Load<std::uint16_t>(bytes, i)); });
    case ForeignType::kFloat64:
      return visit([bytes](std::int64_t i) { return Load<double>(bytes, i); });
    case ForeignType::kInt8:
      return visit([bytes](std::int64_t i) { return Load<std::int8_t>(bytes, i); });
    case ForeignType::kInt16:
      return visit([bytes](std::int64_t i) { return Load<std::int16_t>(bytes, i); });
    case ForeignType::kInt32:
      return visit([bytes](std::int64_t i) { return Load<std::int32_t>(bytes, i); });
    case ForeignType::kInt64:
      return visit([bytes](std::int64_t i) { return Load<std::int64_t>(bytes, i); });
    case ForeignType::kUint8:
      return visit([bytes](std::int64_t i) { return Load<std::uint8_t>(bytes, i); });
    case ForeignType::kUint16:
      return visit([bytes](std::int64_t i) { return Load<std::uint16_t>(bytes, i); });
    case ForeignType::kUint32:
      return visit([bytes](std::int64_t i) { return Load<std::uint32_t>(bytes, i); });
    case ForeignType::kUint64:
      return visit([bytes](std::int64_t i) { return Load<std::uint64_t>(bytes, i); });
    case ForeignType::kBool:
      return visit([bytes](std::int64_t i) {
        return static_cast<std::int64_t>(Load<std::uint8_t>(bytes, i) != 0);
      });
    case ForeignType::kFloat32:
    case ForeignType::kUnknown:
      break;
  }
  return visit([bytes](std::int64_t i) { return Load<float>(bytes, i); });
}

template <typename T>
std::int64_t AsInteger(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    return OfReal(static_cast<double>(value));
  } else {
    return static_cast<std::int64_t>(value);
  }
}

// Keeps the values as they are: large ones are not copied.
template <typename T>
ForeignTensor OfValues(ForeignType type, std::vector<std::int64_t> dimensions,
                       std::vector<T> values) {
  const auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  return {type, std::move(dimensions), std::as_bytes(std::span(*owner)), owner};
}

}  // namespace

std::string_view ForeignTypeName(ForeignType type) {
  return kTypes[static_cast<std::size_t>(type)].name;
}

std::int64_t ForeignTypeBytes(ForeignType type) {
  return kTypes[static_cast<std::size_t>(type)].bytes;
}

bool IsFloatType(ForeignType type) {
  return type == ForeignType::kFloat32 || type == ForeignType::kFloat16 ||
         type == ForeignType::kBfloat16 || type == ForeignType::kFloat64;
}

std::int64_t ForeignElementCount(std::span<const std::int64_t> dimensions) {
  std::int64_t count = 1;
  bool is_empty = false;
  for (const std::int64_t dimension : dimensions) {
    if (dimension < 0) {
      Fail(ErrorCode::kModelFile, "expected dimensions of at least 0, got ", dimension);
    }
    if (dimension == 0) {
      is_empty = true;
    } else if (dimension > kMaxForeignElements / count) {
      Fail(ErrorCode::kModelFile, "expected at most ", kMaxForeignElements, " elements, got [",
           Join(dimensions, ", "), "]");
    } else {
      count *= dimension;
    }
  }
  return is_empty ? 0 : count;
}

ForeignTensor::ForeignTensor(ForeignType type, std::vector<std::int64_t> dimensions,
                             std::span<const std::byte> bytes, std::shared_ptr<const void> owner)
    : type_(type),
      dimensions_(std::move(dimensions)),
      element_count_(ForeignElementCount(dimensions_)),
      bytes_(bytes),
      owner_(std::move(owner)) {
  const std::int64_t element_bytes = ForeignTypeBytes(type);
  if (element_bytes == 0) {
    Fail(ErrorCode::kModelFile, "expected an array of numbers, got ", ForeignTypeName(type));
  }
  if (static_cast<std::int64_t>(bytes_.size()) != element_count_ * element_bytes) {
    Fail(ErrorCode::kModelFile, "expected ", element_count_ * element_bytes, " bytes for [",
         Join(dimensions_, ", "), "] of ", ForeignTypeName(type), ", got ", bytes_.size());
  }
}

ForeignTensor ForeignTensor::OfBytes(ForeignType type, std::vector<std::int64_t> dimensions,
                                     std::vector<std::byte> bytes) {
  return OfValues(type, std::move(dimensions), std::move(bytes));
}

ForeignTensor ForeignTensor::OfFloats(std::vector<std::int64_t> dimensions,
                                      std::vector<float> values) {
  return OfValues(ForeignType::kFloat32, std::move(dimensions), std::move(values));
}

ForeignTensor ForeignTensor::OfIntegers(std::vector<std::int64_t> dimensions,
                                        std::vector<std::int64_t> values) {
  return OfValues(ForeignType::kInt64, std::move(dimensions), std::move(values));
}

float ForeignTensor::FloatAt(std::int64_t index) const {
  return WithElements(type_, bytes_,
                      [&](auto element) { return static_cast<float>(element(index)); });
}

std::int64_t ForeignTensor::IntegerAt(std::int64_t index) const {
  return WithElements(type_, bytes_, [&](auto element) { return AsInteger(element(index)); });
}

void ForeignTensor::CopyFloats(std::span<float> values) const {
  if (static_cast<std::int64_t>(values.size()) != element_count_) {
    Fail(ErrorCode::kModelFile, "expected ", values.size(), " elements, got [",
         Join(dimensions_, ", "), "]");
  }
  if (type_ == ForeignType::kFloat32) {
    if (!values.empty()) std::memcpy(values.data(), bytes_.data(), bytes_.size());
    return;
  }
  WithElements(type_, bytes_, [&](auto element) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(element(static_cast<std::int64_t>(i)));
    }
  });
}

std::vector<float> ForeignTensor::Floats() const {
  std::vector<float> values(static_cast<std::size_t>(element_count_));
  CopyFloats(values);
  return values;
}

std::vector<std::int64_t> ForeignTensor::Integers() const {
  std::vector<std::int64_t> values(static_cast<std::size_t>(element_count_));
  WithElements(type_, bytes_, [&](auto element) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = AsInteger(element(static_cast<std::int64_t>(i)));
    }
  });
  return values;
}

ForeignTensor ForeignTensor::Reshaped(std::vector<std::int64_t> dimensions) const {
  return {type_, std::move(dimensions), bytes_, owner_};
}

}  // namespace espalier
