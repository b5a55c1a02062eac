// SPDX-License-Identifier: Apache-2.0
#include "layers/top_k.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/checked.h"
#include "core/text.h"
#include "layers/attribute_reader.h"
#include "layers/partition.h"
#include "layers/strides.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {
namespace {

constexpr std::array<std::string_view, 2> kKinds = {"top_k", "top_k_indices"};

// A heap of places takes as long as so many passes over the elements.
constexpr std::int64_t kPasses = 16;

// If a comes before b among the greatest.
bool IsGreater(float a, float b) { return a > b || (std::isnan(a) && !std::isnan(b)); }

}  // namespace

TopK::TopK(std::string_view kind, const Attributes& attributes) {
  gives_indices_ = kind == kKinds[1];
  AttributeReader reader(kind, attributes);
  k_ = reader.Whole("k", 1, kMaxUnits);
  axis_ = reader.Whole("axis", -Shape::kMaxRank, Shape::kMaxRank - 1, -1);
  is_largest_ = reader.Flag("largest", true);
  reader.Finish();
}

std::span<const std::string_view> TopK::Kinds() { return kKinds; }

std::string_view TopK::kind() const { return kKinds[gives_indices_ ? 1 : 0]; }

Shape TopK::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kind());
  const int axis = ResolveAxis(axis_, input.rank(), kind());
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (input[axis] < k_ || input[axis] > kMost) {
    Fail(ErrorCode::kShapeMismatch, kind(), ": expected ", k_, " to ", kMost,
         " values to choose from, got ", input[axis]);
  }
  std::vector<std::int64_t> dimensions(input.dimensions().begin(), input.dimensions().end());
  dimensions[static_cast<std::size_t>(axis)] = k_;
  return Shape(dimensions);
}

std::int64_t TopK::Work(std::span<const Shape> inputs) const {
  return SaturatedMultiply(ElementWork(inputs, OutputShape(inputs)), kPasses);
}

LayerMemory TopK::Memory(std::int64_t /*batch*/, std::span<const Shape> /*inputs*/,
                         const LayerUse& use) const {
  return {.reads_inputs = use.grad_inputs};
}

TopK::Lines TopK::LinesOf(const Shape& shape) const {
  const AxisSplit split =
      SplitAt(shape, ResolveAxis(axis_, shape.rank(), kind()), Layout::kRowMajor);
  return {.size = split.size, .stride = split.inner, .count = split.outer * split.inner};
}

// A line's places, an int32 in the place of a float each.
std::int64_t TopK::ScratchFloats(std::int64_t /*batch*/, std::span<const Shape> inputs) const {
  return LinesOf(inputs[0]).size;
}

void TopK::Choose(const Lines& lines, const float* line, std::int32_t* places) const {
  std::iota(places, places + lines.size, 0);
  std::partial_sort(places, places + k_, places + lines.size, [&](std::int32_t a, std::int32_t b) {
    const float x = line[a * lines.stride];
    const float y = line[b * lines.stride];
    if (is_largest_ ? IsGreater(x, y) : IsGreater(y, x)) return true;
    if (is_largest_ ? IsGreater(y, x) : IsGreater(x, y)) return false;
    return a < b;
  });
}

void TopK::ForLines(std::int64_t batch, const Lines& lines, Workspace& workspace,
                    FunctionRef<void(std::int64_t, std::int32_t*)> body) {
  const std::int64_t count = batch * lines.count;
  const std::int64_t run = std::max<std::int64_t>(1, kTaskElements / (kPasses * lines.size));
  workspace.ParallelFor((count + run - 1) / run, [&](std::int64_t task, std::span<float> scratch) {
    auto* const places = reinterpret_cast<std::int32_t*>(scratch.data());
    for (std::int64_t i = task * run; i < std::min(count, (task + 1) * run); ++i) body(i, places);
  });
}

void TopK::Forward(const ForwardArguments& arguments) const {
  const Lines lines = LinesOf(arguments.input_shapes[0]);
  ForLines(arguments.batch, lines, *arguments.workspace,
           [&](std::int64_t line, std::int32_t* places) {
             const float* const x = arguments.inputs[0] + lines.Begin(line, lines.size);
             Choose(lines, x, places);
             float* const y = arguments.output + lines.Begin(line, k_);
             auto* const indices = reinterpret_cast<std::int32_t*>(y);
             for (std::int64_t i = 0; i < k_; ++i) {
               if (gives_indices_) {
                 indices[i * lines.stride] = places[i];
               } else {
                 y[i * lines.stride] = x[places[i] * lines.stride];
               }
             }
           });
}

void TopK::Backward(const BackwardArguments& arguments) const {
  float* const grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const Lines lines = LinesOf(arguments.input_shapes[0]);
  ForLines(arguments.batch, lines, *arguments.workspace,
           [&](std::int64_t line, std::int32_t* places) {
             Choose(lines, arguments.inputs[0] + lines.Begin(line, lines.size), places);
             const float* const grad = arguments.grad_output + lines.Begin(line, k_);
             float* const grad_x = grad_input + lines.Begin(line, lines.size);
             for (std::int64_t i = 0; i < lines.size; ++i) grad_x[i * lines.stride] = 0.0f;
             for (std::int64_t i = 0; i < k_; ++i) {
               grad_x[places[i] * lines.stride] = grad[i * lines.stride];
             }
           });
}

}  // namespace espalier
