// SPDX-License-Identifier: Apache-2.0
#include "layers/token_pool.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/checked.h"
#include "core/text.h"
#include "kernels/pooling/pooling.h"
#include "layers/attribute_reader.h"
#include "layers/partition.h"
#include "layers/valid_positions.h"
#include "layers/work.h"

namespace espalier {
namespace {

// In the order of Pool.
constexpr std::array<const char*, 3> kPools = {"mean", "max", "first"};
constexpr std::int64_t kMostPositions = std::int64_t{1} << 31;  // places of maxima have 32 bits

// One window over all valid positions of an image [valid, 1, width].
PoolingGeometry WindowOver(const Shape& shape, std::int64_t valid) {
  return {.channels = shape[1],
          .height = valid,
          .width = 1,
          .output_height = 1,
          .output_width = 1,
          .window_height = valid,
          .window_width = 1,
          .stride_height = 1,
          .stride_width = 1,
          .pad_top = 0,
          .pad_left = 0,
          .counts_padding = false};
}

}  // namespace

TokenPool::TokenPool(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  const std::string pool = reader.Text("pool", kPools[0]);
  const auto found = std::find(kPools.begin(), kPools.end(), pool);
  if (found == kPools.end()) reader.FailAt("pool", "\"mean\", \"max\" or \"first\"", pool);
  pool_ = static_cast<Pool>(found - kPools.begin());
  reader.Finish();
}

Attributes TokenPool::attributes() const {
  return {{"pool", std::string(kPools[static_cast<std::size_t>(pool_)])}};
}

Shape TokenPool::OutputShape(std::span<const Shape> inputs) const {
  if (inputs.empty() || inputs.size() > 2) {
    Fail(ErrorCode::kShapeMismatch, kKind,
         ": expected 1 input, and perhaps the number of valid positions, got ", inputs.size());
  }
  if (inputs[0].rank() != 2 || inputs[0][0] > kMostPositions) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected an input [length, width] of at most ",
         kMostPositions, " positions, got ", inputs[0].ToString());
  }
  CheckValidPositions(inputs, 1, kKind);
  return Shape::Vector(inputs[0][1]);
}

IntegerRange TokenPool::InputRange(std::size_t /*input*/, std::span<const Shape> inputs) const {
  return RangeOfValidPositions(inputs[0][0]);
}

std::int64_t TokenPool::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

// Saved: where each maximum was, in 4 bytes or fewer.
LayerMemory TokenPool::Memory(std::int64_t batch, std::span<const Shape> inputs,
                              const LayerUse& use) const {
  if (!use.grad_inputs) return {};
  return {.saved = pool_ == Pool::kMax ? CheckedMultiply(batch, inputs[0][1]) : 0,
          .reads_inputs = inputs.size() > 1};
}

void TokenPool::PoolExample(const Shape& shape, std::int64_t valid, const float* x, float* y,
                            float* places) const {
  if (valid == 0) {
    std::fill_n(y, shape[1], 0.0f);
    return;
  }
  switch (pool_) {
    case Pool::kMean:
      AveragePool(WindowOver(shape, valid), 0, 1, x, y);
      return;
    case Pool::kMax:
      MaxPool(WindowOver(shape, valid), 0, 1, x, y, places);
      return;
    case Pool::kFirst:
      std::copy_n(x, shape[1], y);
      return;
  }
}

void TokenPool::PoolExampleBackward(const Shape& shape, std::int64_t valid, const float* grad_y,
                                    const float* places, float* grad_x) const {
  std::int64_t written = valid;  // positions
  if (valid > 0) {
    switch (pool_) {
      case Pool::kMean:
        AveragePoolBackward(WindowOver(shape, valid), 0, valid, grad_y, grad_x);
        break;
      case Pool::kMax:
        MaxPoolBackward(WindowOver(shape, valid), 0, valid, grad_y, places, grad_x);
        break;
      case Pool::kFirst:
        std::copy_n(grad_y, shape[1], grad_x);
        written = 1;
        break;
    }
  }
  std::fill(grad_x + written * shape[1], grad_x + shape.element_count(), 0.0f);
}

void TokenPool::Forward(const ForwardArguments& arguments) const {
  const Shape& shape = arguments.input_shapes[0];
  const std::int64_t floats = shape.element_count();
  ForRows(*arguments.workspace, arguments.batch, floats,
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i) {
              PoolExample(shape, ValidPositions(arguments.inputs, 1, i, shape[0]),
                          arguments.inputs[0] + i * floats, arguments.output + i * shape[1],
                          arguments.saved == nullptr ? nullptr : arguments.saved + i * shape[1]);
            }
          });
}

void TokenPool::Backward(const BackwardArguments& arguments) const {
  float* const grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const Shape& shape = arguments.input_shapes[0];
  const std::int64_t floats = shape.element_count();
  ForRows(
      *arguments.workspace, arguments.batch, floats, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
          PoolExampleBackward(shape, ValidPositions(arguments.inputs, 1, i, shape[0]),
                              arguments.grad_output + i * shape[1],
                              arguments.saved == nullptr ? nullptr : arguments.saved + i * shape[1],
                              grad_input + i * floats);
        }
      });
}

}  // namespace espalier
