// SPDX-License-Identifier: Apache-2.0
#include "layers/embedding.h"

#include <algorithm>
#include <cstring>

#include "core/text.h"
#include "kernels/elementwise/elementwise.h"
#include "layers/attribute_reader.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {

Embedding::Embedding(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  count_ = reader.Whole("count", 1, kMaxUnits);
  width_ = reader.Whole("width", 1, kMaxUnits);
  padding_id_ = reader.Whole("padding_id", -1, count_ - 1, -1);
  reader.Finish();
}

Attributes Embedding::attributes() const {
  return {{"count", count_}, {"width", width_}, {"padding_id", padding_id_}};
}

Shape Embedding::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  if (input.rank() != 1) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected ids [length], got ", input.ToString());
  }
  return Shape{input[0], Shape{count_, width_}[1]};  // throws if either is too large
}

std::int64_t Embedding::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

std::vector<ParameterSpec> Embedding::Parameters(std::span<const Shape> /*inputs*/) const {
  InitializerSpec initializer = {.name = "lecun_normal", .fan_in = 1};
  if (padding_id_ >= 0) {
    initializer.first_zero = padding_id_ * width_;
    initializer.last_zero = initializer.first_zero + width_;
  }
  return {{.name = "weight",
           .shape = Shape{count_, width_},
           .role = ParameterRole::kWeight,
           .initializer = initializer}};
}

LayerMemory Embedding::Memory(std::int64_t /*batch*/, std::span<const Shape> /*inputs*/,
                              const LayerUse& use) const {
  return {.reads_inputs = use.grad_parameters};
}

void Embedding::CheckIds(std::span<const std::int32_t> ids, std::int64_t length,
                         std::int64_t count) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < count) continue;
    const auto position = static_cast<std::int64_t>(i);
    Fail(ErrorCode::kInvalidArgument, kKind, ": expected ids from 0 to ", count - 1, ", got ",
         ids[i], " at position ", position % length, " of example ", position / length);
  }
}

void Embedding::Forward(const ForwardArguments& arguments) const {
  const std::int64_t length = arguments.input_shapes[0][0];
  const std::int64_t positions = arguments.batch * length;
  const auto* const ids = reinterpret_cast<const std::int32_t*>(arguments.inputs[0]);
  CheckIds({ids, static_cast<std::size_t>(positions)}, length, count_);
  const std::size_t row_bytes = static_cast<std::size_t>(width_) * sizeof(float);
  ForRows(*arguments.workspace, positions, width_, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      std::memcpy(arguments.output + i * width_, arguments.parameters[0] + ids[i] * width_,
                  row_bytes);
    }
  });
}

// Workers share columns, so that each sums a row's gradients in the order of the positions.
void Embedding::Backward(const BackwardArguments& arguments) const {
  float* const grad_weight = arguments.grad_parameters[0];
  if (grad_weight == nullptr) return;
  const std::span<const std::int32_t> rows = arguments.gradient_rows;
  if (rows.empty()) {
    ForElements(*arguments.workspace, count_ * width_, [&](std::int64_t first, std::int64_t last) {
      std::fill(grad_weight + first, grad_weight + last, 0.0f);
    });
  }
  const std::int64_t positions = arguments.batch * arguments.input_shapes[0][0];
  const auto* const ids = reinterpret_cast<const std::int32_t*>(arguments.inputs[0]);
  const auto gradient_of = [&](std::int32_t id) {
    return grad_weight + (rows.empty() ? id : rows[static_cast<std::size_t>(id)]) * width_;
  };
  ForColumns(*arguments.workspace, width_, positions, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = 0; !rows.empty() && i < positions; ++i) {
      if (IsId(ids[i])) std::fill_n(gradient_of(ids[i]) + first, last - first, 0.0f);
    }
    for (std::int64_t i = 0; i < positions; ++i) {
      if (!IsId(ids[i]) || ids[i] == padding_id_) continue;
      float* const row = gradient_of(ids[i]) + first;
      AddArrays(row, arguments.grad_output + i * width_ + first, last - first, row);
    }
  });
}

}  // namespace espalier
