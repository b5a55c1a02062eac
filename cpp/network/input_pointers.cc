// SPDX-License-Identifier: Apache-2.0
#include "network/input_pointers.h"

#include <algorithm>

#include "core/text.h"

namespace espalier {
namespace {

std::string NameOf(const std::vector<InputFormat>& formats, std::size_t index) {
  return formats.size() == 1 ? std::string("inputs") : Concat("input '", formats[index].name, "'");
}

std::size_t SizeOf(const InputData& data) {
  return std::visit([](const auto& values) { return values.size(); }, data);
}

void CheckRange(const char* what, const std::string& name, const InputFormat& format,
                std::span<const std::int32_t> values) {
  const auto is_bad = [&](std::int32_t value) {
    return value < format.range.least || value > format.range.greatest;
  };
  const auto bad = std::find_if(values.begin(), values.end(), is_bad);
  if (bad == values.end()) return;
  const std::int64_t place = bad - values.begin();
  Fail(ErrorCode::kInvalidArgument, what, ", ", name, ": expected integers from ",
       format.range.least, " to ", format.range.greatest, ", got ", *bad, " in row ",
       place / format.floats, " at place ", place % format.floats);
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

InputPointers::InputPointers(const std::vector<InputFormat>& formats, const char* what,
                             std::int64_t batch, const Inputs& inputs)
    : count_(formats.size()) {
  if (inputs.size() != count_) {
    Fail(ErrorCode::kShapeMismatch, what, ": expected data of ", count_, " inputs, got ",
         inputs.size());
  }
  for (std::size_t i = 0; i < count_; ++i) {
    const InputFormat& format = formats[i];
    floats_[i] = format.floats;
    std::int64_t size = 0;
    if (batch < 0 || __builtin_mul_overflow(batch, format.floats, &size)) {
      Fail(ErrorCode::kInvalidArgument, what, ": expected a batch of at least 0, got ", batch);
    }
    const auto* const integers = std::get_if<std::span<const std::int32_t>>(&inputs[i]);
    const ElementType type = integers != nullptr ? ElementType::kInt32 : ElementType::kFloat32;
    if (type != format.value.type) {
      Fail(ErrorCode::kShapeMismatch, what, ", ", NameOf(formats, i), ": expected values of ",
           ElementTypeName(format.value.type), ", got ", ElementTypeName(type));
    }
    if (SizeOf(inputs[i]) != static_cast<std::size_t>(size)) {
      Fail(ErrorCode::kShapeMismatch, what, ": expected ", NameOf(formats, i), " of ", size, " ",
           integers != nullptr ? "integers" : "floats", ", ", batch, " examples of ",
           format.value.shape.ToString(), ", got ", SizeOf(inputs[i]));
    }
    if (integers == nullptr) {
      first_[i] = std::get<std::span<const float>>(inputs[i]).data();
    } else {
      CheckRange(what, NameOf(formats, i), format, *integers);
      first_[i] = reinterpret_cast<const float*>(integers->data());
    }
  }
}

}  // namespace espalier
