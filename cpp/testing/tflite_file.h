// SPDX-License-Identifier: Apache-2.0
#pragma once

// Small TensorFlow Lite models for tests, by field numbers of the public schema.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <flatbuffers/flatbuffers.h>

namespace espalier::testing {

class TfliteFile {
 public:
  /// A scalar of an operator's options.
  struct Option {
    int field;
    int bytes;  // 1 or 4
    std::int32_t value;
  };

  /// Returns the tensor's index.
  int Tensor(const std::string& name, const std::vector<std::int32_t>& shape) {
    return AddTensor(name, shape, 0, 0);
  }
  int Constant(const std::string& name, const std::vector<std::int32_t>& shape,
               const std::vector<float>& values) {
    return AddTensor(name, shape, 0, AddBuffer(values.data(), values.size() * sizeof(float)));
  }
  int Constant(const std::string& name, const std::vector<std::int32_t>& shape,
               const std::vector<std::int32_t>& values) {
    constexpr std::int8_t kInt32 = 2;
    return AddTensor(name, shape, kInt32,
                     AddBuffer(values.data(), values.size() * sizeof(std::int32_t)));
  }
  /// Of bytes that stand for scale * (element - zero_point).
  int Quantized(const std::string& name, const std::vector<std::int32_t>& shape,
                const std::vector<std::int8_t>& values, const std::vector<float>& scales,
                const std::vector<std::int64_t>& zero_points, int axis) {
    constexpr std::int8_t kInt8 = 9;
    const auto scale = builder_.CreateVector(scales);
    const auto zero = builder_.CreateVector(zero_points);
    const auto start = builder_.StartTable();
    builder_.AddOffset(Slot(2), scale);
    builder_.AddOffset(Slot(3), zero);
    builder_.AddElement<std::int32_t>(Slot(6), axis, 0);
    const Offset quantization = builder_.EndTable(start);
    return AddTensor(name, shape, kInt8, AddBuffer(values.data(), values.size()), quantization);
  }

  void Operator(std::int32_t kind, const std::vector<std::int32_t>& inputs,
                const std::vector<std::int32_t>& outputs, const std::vector<Option>& options = {}) {
    auto start = builder_.StartTable();
    for (const Option& option : options) {
      if (option.bytes == 1) {
        builder_.AddElement<std::int8_t>(Slot(option.field),
                                         static_cast<std::int8_t>(option.value));
      } else {
        builder_.AddElement<std::int32_t>(Slot(option.field), option.value);
      }
    }
    const Offset table = builder_.EndTable(start);
    const auto from = builder_.CreateVector(inputs);
    const auto to = builder_.CreateVector(outputs);
    start = builder_.StartTable();
    builder_.AddElement<std::uint32_t>(Slot(0), static_cast<std::uint32_t>(kinds_.size()));
    builder_.AddOffset(Slot(1), from);
    builder_.AddOffset(Slot(2), to);
    builder_.AddOffset(Slot(4), flatbuffers::Offset<void>(table));
    operators_.push_back(flatbuffers::Offset<void>(builder_.EndTable(start)));
    kinds_.push_back(kind);
  }

  /// All bytes of the file; once.
  std::vector<std::byte> Bytes(const std::vector<std::int32_t>& inputs,
                               const std::vector<std::int32_t>& outputs) {
    Table codes;
    for (const std::int32_t kind : kinds_) {
      const auto start = builder_.StartTable();
      builder_.AddElement<std::int32_t>(Slot(3), kind);
      codes.push_back(flatbuffers::Offset<void>(builder_.EndTable(start)));
    }
    const auto tensors = builder_.CreateVector(tensors_);
    const auto in = builder_.CreateVector(inputs);
    const auto out = builder_.CreateVector(outputs);
    const auto operators = builder_.CreateVector(operators_);
    auto start = builder_.StartTable();
    builder_.AddOffset(Slot(0), tensors);
    builder_.AddOffset(Slot(1), in);
    builder_.AddOffset(Slot(2), out);
    builder_.AddOffset(Slot(3), operators);
    const Table graphs = {flatbuffers::Offset<void>(builder_.EndTable(start))};
    const auto all_codes = builder_.CreateVector(codes);
    const auto all_graphs = builder_.CreateVector(graphs);
    const auto all_buffers = builder_.CreateVector(buffers_);
    start = builder_.StartTable();
    builder_.AddElement<std::uint32_t>(Slot(0), 3);
    builder_.AddOffset(Slot(1), all_codes);
    builder_.AddOffset(Slot(2), all_graphs);
    builder_.AddOffset(Slot(4), all_buffers);
    builder_.Finish(flatbuffers::Offset<void>(builder_.EndTable(start)), "TFL3");
    const auto* const begin = reinterpret_cast<const std::byte*>(builder_.GetBufferPointer());
    return {begin, begin + builder_.GetSize()};
  }

 private:
  using Offset = flatbuffers::uoffset_t;
  using Table = std::vector<flatbuffers::Offset<void>>;

  static flatbuffers::voffset_t Slot(int field) {
    return static_cast<flatbuffers::voffset_t>((field + 2) * 2);
  }

  int AddBuffer(const void* data, std::size_t size) {
    builder_.ForceVectorAlignment(size, 1, 16);
    const auto bytes = builder_.CreateVector(static_cast<const std::uint8_t*>(data), size);
    const auto start = builder_.StartTable();
    builder_.AddOffset(Slot(0), bytes);
    buffers_.push_back(flatbuffers::Offset<void>(builder_.EndTable(start)));
    return static_cast<int>(buffers_.size()) - 1;
  }

  int AddTensor(const std::string& name, const std::vector<std::int32_t>& shape, std::int8_t type,
                int buffer, Offset quantization = 0) {
    if (buffers_.empty()) {  // the first one is empty
      buffers_.push_back(flatbuffers::Offset<void>(builder_.EndTable(builder_.StartTable())));
    }
    const auto text = builder_.CreateString(name);
    const auto sizes = builder_.CreateVector(shape);
    const auto start = builder_.StartTable();
    builder_.AddOffset(Slot(0), sizes);
    builder_.AddElement<std::int8_t>(Slot(1), type);
    builder_.AddElement<std::uint32_t>(Slot(2), static_cast<std::uint32_t>(buffer));
    builder_.AddOffset(Slot(3), text);
    if (quantization != 0) builder_.AddOffset(Slot(4), flatbuffers::Offset<void>(quantization));
    tensors_.push_back(flatbuffers::Offset<void>(builder_.EndTable(start)));
    return static_cast<int>(tensors_.size()) - 1;
  }

  flatbuffers::FlatBufferBuilder builder_;
  Table buffers_;
  Table tensors_;
  Table operators_;
  std::vector<std::int32_t> kinds_;
};

}  // namespace espalier::testing
