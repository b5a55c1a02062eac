// SPDX-License-Identifier: Apache-2.0
#include "layers/pad.h"

#include <algorithm>
#include <cstring>

#include "core/checked.h"
#include "core/text.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {
namespace {

constexpr const char* kFillNames[] = {"constant", "reflect", "edge"};
constexpr double kMostValue = 1e30;

// Elements of the border are read and written once more.
constexpr std::int64_t kPasses = 2;

}  // namespace

// Where the input lies in the output: loops from the one to the other.
struct Pad::Interior {
  StridedLoops loops;
  std::int64_t offset;
};

// A layer of the output, one element thick: loops over it, and where it and what it repeats begin.
struct Pad::Slab {
  StridedLoops loops;
  std::int64_t from;
  std::int64_t to;
};

Pad::Pad(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  before_ = reader.List("before", 0, kMaxPad);
  after_ = reader.List("after", 0, kMaxPad, Shape::kMaxRank, before_);
  const std::string mode = reader.Text("mode", kFillNames[0]);
  const auto* const found = std::find(std::begin(kFillNames), std::end(kFillNames), mode);
  if (found == std::end(kFillNames)) {
    reader.FailAt("mode", "\"constant\", \"reflect\" or \"edge\"", mode);
  }
  fill_ = static_cast<Fill>(found - std::begin(kFillNames));
  value_ = reader.Real("value", -kMostValue, kMostValue, 0.0);
  reader.Finish();
  if (before_.size() != after_.size()) {
    reader.FailAt("after", Concat(before_.size(), " numbers, as many as before"), after_);
  }
}

Attributes Pad::attributes() const {
  return {{"before", before_},
          {"after", after_},
          {"mode", kFillNames[static_cast<int>(fill_)]},
          {"value", value_}};
}

Shape Pad::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  if (static_cast<std::size_t>(input.rank()) != before_.size()) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected an input of ", before_.size(),
         " dimensions, got ", input.ToString());
  }
  std::vector<std::int64_t> padded;
  for (std::size_t axis = 0; axis < before_.size(); ++axis) {
    const std::int64_t size = input[static_cast<int>(axis)];
    if (fill_ == Fill::kReflect && std::max(before_[axis], after_[axis]) >= size) {
      Fail(ErrorCode::kShapeMismatch, kKind, ": expected at most ", size - 1,
           " reflected elements in dimension ", axis, " of ", input.ToString(), ", got ",
           std::max(before_[axis], after_[axis]));
    }
    padded.push_back(size + before_[axis] + after_[axis]);
  }
  return Shape(padded);
}

std::int64_t Pad::Work(std::span<const Shape> inputs) const {
  return SaturatedMultiply(ElementWork(inputs, OutputShape(inputs)), kPasses);
}

// What was added to the gradient of an element is moved inwards step by step.
LayerMemory Pad::Memory(std::int64_t batch, std::span<const Shape> inputs,
                        const LayerUse& use) const {
  if (!use.grad_inputs || fill_ == Fill::kConstant) return {};
  return {.backward = CheckedMultiply(batch, OutputShape(inputs).element_count())};
}

Pad::Interior Pad::InteriorOf(const Shape& input, const Shape& output, Layout layout) const {
  const Strides from = StridesOf(input, layout);
  const Strides to = StridesOf(output, layout);
  Interior interior{};
  for (std::size_t axis = 0; axis < before_.size(); ++axis) {
    interior.loops.Add(input[static_cast<int>(axis)], from[axis], to[axis]);
    interior.offset += before_[axis] * to[axis];
  }
  return interior;
}

template <typename Visit>
void Pad::ForSlabs(const Shape& input, const Shape& output, Layout layout, bool is_reversed,
                   Visit visit) const {
  const Strides strides = StridesOf(output, layout);
  const std::size_t rank = before_.size();
  for (std::size_t step = 0; step < rank; ++step) {
    const std::size_t axis = is_reversed ? rank - 1 - step : step;
    Slab slab{};
    std::int64_t offset = 0;
    for (std::size_t other = 0; other < rank; ++other) {
      if (other == axis) continue;
      const bool is_padded = other < axis;
      slab.loops.Add(is_padded ? output[static_cast<int>(other)] : input[static_cast<int>(other)],
                     strides[other], strides[other]);
      if (!is_padded) offset += before_[other] * strides[other];
    }
    const std::int64_t first = before_[axis];
    const std::int64_t last = first + input[static_cast<int>(axis)] - 1;
    const auto repeat = [&](std::int64_t place, std::int64_t edge) {
      const std::int64_t source = fill_ == Fill::kEdge ? edge : 2 * edge - place;
      slab.from = offset + source * strides[axis];
      slab.to = offset + place * strides[axis];
      visit(slab);
    };
    for (std::int64_t i = 0; i < before_[axis]; ++i) repeat(i, first);
    for (std::int64_t i = 0; i < after_[axis]; ++i) repeat(last + 1 + i, last);
  }
}

void Pad::Forward(const ForwardArguments& arguments) const {
  const Shape& input = arguments.input_shapes[0];
  const Shape& output = arguments.output_shape;
  const Interior interior = InteriorOf(input, output, arguments.layout);
  const float value = static_cast<float>(value_);
  ForExamples(*arguments.workspace, arguments.batch, output.element_count(),
              [&](std::int64_t example, float*) {
                float* const y = arguments.output + example * output.element_count();
                CopyStrided(interior.loops, arguments.inputs[0] + example * input.element_count(),
                            y + interior.offset);
                ForSlabs(input, output, arguments.layout, false, [&](Slab& slab) {
                  if (fill_ != Fill::kConstant) {
                    CopyStrided(slab.loops, y + slab.from, y + slab.to);
                    return;
                  }
                  for (StridedLoops::Loop& loop : slab.loops.loops) loop.from = 0;
                  CopyStrided(slab.loops, &value, y + slab.to);
                });
              });
}

void Pad::Backward(const BackwardArguments& arguments) const {
  float* const grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const Shape& input = arguments.input_shapes[0];
  const Shape& output = arguments.output_shape;
  const Interior interior = InteriorOf(input, output, arguments.layout);
  const StridedLoops inwards = interior.loops.Reversed();
  ForExamples(
      *arguments.workspace, arguments.batch, output.element_count(),
      [&](std::int64_t example, float*) {
        const std::int64_t at = example * output.element_count();
        const float* grad = arguments.grad_output + at;
        if (fill_ != Fill::kConstant) {
          float* const sums = arguments.temporary + at;
          std::memcpy(sums, grad, static_cast<std::size_t>(output.element_count()) * sizeof(float));
          ForSlabs(input, output, arguments.layout, true, [&](const Slab& slab) {
            AddStrided(slab.loops, sums + slab.to, sums + slab.from);
          });
          grad = sums;
        }
        CopyStrided(inwards, grad + interior.offset, grad_input + example * input.element_count());
      });
}

}  // namespace espalier
