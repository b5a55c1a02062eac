// SPDX-License-Identifier: Apache-2.0
#include "network/input_pointers.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/text.h"

namespace espalier {
namespace {

std::string NameOf(const std::vector<InputFormat>& formats, std::size_t index) {
  return formats.size() == 1 ? std::string("inputs") : Concat("input '", formats[index].name, "'");
}

std::size_t SizeOf(const InputData& data) {
  return std::visit([](const auto& values) { return values.size(); }, data);
}

[[noreturn]] void RefuseInteger(const char* what, const std::string& name,
                                const InputFormat& format, double got, std::int64_t row,
                                std::int64_t place) {
  Fail(ErrorCode::kInvalidArgument, what, ", ", name, ": expected integers from ",
       format.range.least, " to ", format.range.greatest, ", got ", got, " in row ", row,
       " at place ", place);
}

void CheckRange(const char* what, const std::string& name, const InputFormat& format,
                std::span<const std::int32_t> values) {
  const auto bad = std::find_if(values.begin(), values.end(), [&](std::int32_t value) {
    return value < format.range.least || value > format.range.greatest;
  });
  if (bad == values.end()) return;
  const std::int64_t place = bad - values.begin();
  RefuseInteger(what, name, format, *bad, place / format.floats, place % format.floats);
}

// Whole numbers of a row as integers, of which the first `count` are wanted.
void ToIntegers(const char* what, const std::string& name, const InputFormat& format,
                const float* from, std::int64_t row, std::int64_t count, float* to) {
  for (std::int64_t i = 0; i < format.floats; ++i) {
    const double value = from[i];
    if (!(value >= format.range.least && value <= format.range.greatest) ||
        value != std::floor(value)) {
      RefuseInteger(what, name, format, value, row, i);
    }
    if (i < count) to[i] = std::bit_cast<float>(static_cast<std::int32_t>(value));
  }
}

}  // namespace

std::vector<InputFormat> InputFormats(const NetworkState& network) {
  std::vector<InputFormat> formats;
  for (std::size_t i = 0; i < network.inputs.size(); ++i) {
    formats.push_back({.name = network.inputs[i].name,
                       .value = network.values[i],
                       .floats = network.values[i].shape.element_count()});
  }
  for (const GraphLayer& layer : network.layers) {
    for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
      if (!network.is_input(layer.inputs[i])) continue;
      IntegerRange& range = formats[static_cast<std::size_t>(layer.inputs[i])].range;
      const IntegerRange taken = layer.layer->InputRange(i, layer.input_shapes);
      range.least = std::max(range.least, taken.least);
      range.greatest = std::min(range.greatest, taken.greatest);
    }
  }
  return formats;
}

std::int64_t FloatsOf(const std::vector<InputFormat>& formats) {
  std::int64_t floats = 0;
  for (const InputFormat& format : formats) floats += format.floats;
  return floats;
}

void InputPointers::TakeAll(std::int64_t batch, const Inputs& inputs) {
  const bool is_plain = count() == 1 && formats_[0].value.type == ElementType::kFloat32;
  if (inputs.is_side_by_side() && !is_plain) {
    const std::span<const float> rows = std::get<std::span<const float>>(inputs[0]);
    CheckSize("inputs", batch, FloatsOf(formats_), Concat(FloatsOf(formats_), " floats"),
              rows.size());
    rows_ = rows.data();
    return;
  }
  if (inputs.size() != count()) {
    Fail(ErrorCode::kShapeMismatch, what_, ": expected data of ", count(), " inputs, got ",
         inputs.size());
  }
  for (std::size_t i = 0; i < count(); ++i) Take(i, batch, inputs[i]);
}

void InputPointers::CheckSize(const std::string& name, std::int64_t batch, std::int64_t floats,
                              const std::string& shape, std::size_t got) const {
  std::int64_t size = 0;
  if (batch < 0 || __builtin_mul_overflow(batch, floats, &size)) {
    Fail(ErrorCode::kInvalidArgument, what_, ": expected a batch of at least 0, got ", batch);
  }
  if (got != static_cast<std::size_t>(size)) {
    Fail(ErrorCode::kShapeMismatch, what_, ": expected ", name, " of ", size, " elements, ", batch,
         " examples of ", shape, ", got ", got);
  }
}

void InputPointers::Take(std::size_t index, std::int64_t batch, const InputData& data) {
  const InputFormat& format = formats_[index];
  const auto* const integers = std::get_if<std::span<const std::int32_t>>(&data);
  const ElementType type = integers != nullptr ? ElementType::kInt32 : ElementType::kFloat32;
  if (type != format.value.type) {
    Fail(ErrorCode::kShapeMismatch, what_, ", ", NameOf(formats_, index), ": expected values of ",
         ElementTypeName(format.value.type), ", got ", ElementTypeName(type));
  }
  if (SizeOf(data) != static_cast<std::size_t>(batch) * static_cast<std::size_t>(format.floats) ||
      batch < 0) {
    CheckSize(NameOf(formats_, index), batch, format.floats, format.value.shape.ToString(),
              SizeOf(data));
  }
  if (integers == nullptr) {
    first_[index] = std::get<std::span<const float>>(data).data();
  } else {
    CheckRange(what_, NameOf(formats_, index), format, *integers);
    first_[index] = reinterpret_cast<const float*>(integers->data());
  }
}

template <typename RowAt>
BatchLengths InputPointers::LengthsOfRows(std::int64_t examples, const RowAt& row_at) const {
  BatchLengths lengths;
  for (const InputFormat& format : formats_) {
    if (!format.value.length.varies()) continue;
    const int counter = format.value.length.input;
    std::int64_t most = 0;
    for (std::int64_t i = 0; i < examples; ++i) most = std::max(most, CountAt(counter, row_at(i)));
    lengths.Set(counter, most);
  }
  return lengths;
}

BatchLengths InputPointers::LengthsOf(std::int64_t first, std::int64_t examples) const {
  return LengthsOfRows(examples, [first](std::int64_t i) { return first + i; });
}

BatchLengths InputPointers::LengthsOf(std::span<const std::int64_t> examples) const {
  return LengthsOfRows(static_cast<std::int64_t>(examples.size()), [examples](std::int64_t i) {
    return examples[static_cast<std::size_t>(i)];
  });
}

std::int64_t InputPointers::CountAt(int input, std::int64_t row) const {
  if (!must_split()) {
    return std::bit_cast<std::int32_t>(first_[static_cast<std::size_t>(input)][row]);
  }
  const float count = rows_[row * FloatsOf(formats_) + OffsetOf(input)];
  // What is no number of positions is refused where the row is taken apart.
  constexpr float kMost = 1 << 24;
  return count >= 0.0f && count <= kMost ? static_cast<std::int64_t>(count) : 0;
}

bool InputPointers::MustCopy(std::int64_t examples, const BatchLengths* lengths) const {
  if (must_split()) return true;
  return examples > 1 && lengths != nullptr &&
         std::any_of(formats_.begin(), formats_.end(), [&](const InputFormat& format) {
           return format.value.length.In(lengths) < format.value.length.all;
         });
}

std::int64_t InputPointers::OffsetOf(int input) const {
  std::int64_t offset = 0;
  for (int i = 0; i < input; ++i) offset += formats_[static_cast<std::size_t>(i)].floats;
  return offset;
}

std::int64_t InputPointers::PositionsOf(std::int64_t example) const {
  std::int64_t positions = 0;
  for (const InputFormat& format : formats_) {
    const Length& length = format.value.length;
    if (length.varies()) positions += CountAt(length.input, example);
  }
  return positions;
}

std::span<const float* const> InputPointers::Copy(std::int64_t first, std::int64_t examples,
                                                  const BatchLengths* lengths, float* room) {
  return CopyRows(examples, [first](std::int64_t i) { return first + i; }, lengths, room);
}

std::span<const float* const> InputPointers::Copy(std::span<const std::int64_t> examples,
                                                  const BatchLengths* lengths, float* room) {
  return CopyRows(
      static_cast<std::int64_t>(examples.size()),
      [examples](std::int64_t i) { return examples[static_cast<std::size_t>(i)]; }, lengths, room);
}

template <typename RowAt>
std::span<const float* const> InputPointers::CopyRows(std::int64_t examples, const RowAt& row_at,
                                                      const BatchLengths* lengths, float* room) {
  const std::int64_t row_floats = FloatsOf(formats_);
  std::int64_t offset = 0;  // in a row
  for (std::size_t i = 0; i < count(); ++i) {
    const InputFormat& format = formats_[i];
    const std::int64_t wanted = format.value.length.Cut(format.floats, lengths);
    float* to = room + offset * examples;
    at_[i] = to;
    for (std::int64_t example = 0; example < examples; ++example, to += wanted) {
      const std::int64_t row = row_at(example);
      const float* const from =
          must_split() ? rows_ + row * row_floats + offset : first_[i] + row * format.floats;
      if (must_split() && format.value.type == ElementType::kInt32) {
        ToIntegers(what_, NameOf(formats_, i), format, from, row, wanted, to);
      } else {
        std::copy_n(from, wanted, to);
      }
    }
    offset += format.floats;
  }
  return {at_.data(), count()};
}

}  // namespace espalier
