// SPDX-License-Identifier: Apache-2.0
#include "layers/reduce.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/checked.h"
#include "core/text.h"
#include "kernels/reductions/axis_reduction.h"
#include "layers/partition.h"
#include "layers/strides.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {
namespace {

constexpr const char* kNames[] = {"mean", "sum", "max", "min", "l2"};

}  // namespace

// An example as [outer, size, inner], of which `size` is reduced.
struct Reduce::Arrangement {
  std::int64_t outer = 1;
  ReductionRows rows = {.size = 1, .inner = 1};
  // Where what is kept and what is reduced alternate, the example is brought into that order by
  // these loops first.
  bool is_moved = false;
  StridedLoops loops;

  std::int64_t row_elements() const { return rows.size * rows.inner; }
  std::int64_t elements() const { return outer * row_elements(); }
};

Reduce::Reduce(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  const std::string name = reader.Text("reduction", kNames[0]);
  const auto* const found = std::find(std::begin(kNames), std::end(kNames), name);
  if (found == std::end(kNames)) {
    reader.FailAt("reduction", "\"mean\", \"sum\", \"max\", \"min\" or \"l2\"", name);
  }
  operation_ = static_cast<Operation>(found - std::begin(kNames));
  axes_ = reader.List("axes", -Shape::kMaxRank, Shape::kMaxRank - 1, Shape::kMaxRank,
                      std::vector<std::int64_t>());
  keeps_dimensions_ = reader.Flag("keep_dimensions", false);
  reader.Finish();
}

Attributes Reduce::attributes() const {
  return {{"reduction", kNames[static_cast<int>(operation_)]},
          {"axes", axes_},
          {"keep_dimensions", keeps_dimensions_}};
}

LayoutRule Reduce::layout_rule() const {
  const bool is_of_images = axes_.size() == 2 && axes_[0] == 1 && axes_[1] == 2;
  return is_of_images ? LayoutRule::kChannelsLast : LayoutRule::kRowMajor;
}

std::array<bool, Shape::kMaxRank> Reduce::ReducedAxes(const Shape& input) const {
  std::array<bool, Shape::kMaxRank> is_reduced{};
  if (axes_.empty()) is_reduced.fill(true);
  for (const std::int64_t axis : axes_) {
    is_reduced[static_cast<std::size_t>(ResolveAxis(axis, input.rank(), kKind))] = true;
  }
  return is_reduced;
}

Shape Reduce::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  const auto is_reduced = ReducedAxes(input);
  std::vector<std::int64_t> kept;
  for (int axis = 0; axis < input.rank(); ++axis) {
    if (!is_reduced[static_cast<std::size_t>(axis)]) {
      kept.push_back(input[axis]);
    } else if (keeps_dimensions_) {
      kept.push_back(1);
    }
  }
  if (kept.empty()) kept.push_back(1);
  return Shape(kept);
}

std::int64_t Reduce::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

Reduce::Arrangement Reduce::Arrange(const Shape& input) const {
  const auto is_reduced = ReducedAxes(input);
  const bool is_last = layout_rule() == LayoutRule::kChannelsLast;
  const Strides strides = StridesOf(input, is_last ? Layout::kChannelsLast : Layout::kRowMajor);
  std::array<int, Shape::kMaxRank> order{};  // in which the dimensions lie
  for (int i = 0; i < input.rank(); ++i) {
    order[static_cast<std::size_t>(i)] = is_last ? (i + 1) % input.rank() : i;
  }
  Arrangement result;
  bool has_reduced = false;
  for (int i = 0; i < input.rank(); ++i) {
    const int axis = order[static_cast<std::size_t>(i)];
    const std::int64_t size = input[axis];
    if (size == 1) continue;
    if (!is_reduced[static_cast<std::size_t>(axis)]) {
      (has_reduced ? result.rows.inner : result.outer) *= size;
    } else {
      result.is_moved |= result.rows.inner > 1;
      result.rows.size *= size;
      has_reduced = true;
    }
  }
  if (!result.is_moved) return result;
  result.outer *= result.rows.inner;
  result.rows.inner = 1;
  std::int64_t to = result.outer * result.rows.size;
  for (const bool wants_reduced : {false, true}) {
    for (int i = 0; i < input.rank(); ++i) {
      const auto axis = static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
      if (is_reduced[axis] != wants_reduced) continue;
      to /= input[static_cast<int>(axis)];
      result.loops.Add(input[static_cast<int>(axis)], strides[axis], to);
    }
  }
  return result;
}

bool Reduce::ReadsValues() const {
  return operation_ != Operation::kMean && operation_ != Operation::kSum;
}

// Temporary, for moved examples: the inputs, and in Backward their gradients first.
LayerMemory Reduce::Memory(std::int64_t batch, std::span<const Shape> inputs,
                           const LayerUse& use) const {
  const Arrangement arrangement = Arrange(OnlyInput(inputs, kKind));
  const std::int64_t moved =
      arrangement.is_moved ? CheckedMultiply(batch, arrangement.elements()) : 0;
  if (!use.grad_inputs) return {.forward = moved};
  return {.forward = moved,
          .backward = CheckedMultiply(ReadsValues() ? 2 : 1, moved),
          .reads_inputs = ReadsValues(),
          .reads_output = ReadsValues()};
}

std::int64_t Reduce::ScratchFloats(std::int64_t /*batch*/, std::span<const Shape> inputs) const {
  return ReadsValues() ? Arrange(OnlyInput(inputs, kKind)).rows.inner : 0;
}

void Reduce::Forward(const ForwardArguments& arguments) const {
  const Arrangement arrangement = Arrange(arguments.input_shapes[0]);
  const std::int64_t elements = arrangement.elements();
  const float* x = arguments.inputs[0];
  if (arrangement.is_moved) {
    CopyExamples(arrangement.loops, arguments.batch, {x, elements, arguments.temporary, elements},
                 *arguments.workspace);
    x = arguments.temporary;
  }
  constexpr Reduction kReductions[] = {Reduction::kSum, Reduction::kSum, Reduction::kMax,
                                       Reduction::kMin, Reduction::kSumOfSquares};
  const Reduction reduction = kReductions[static_cast<int>(operation_)];
  const ReductionRows rows = arrangement.rows;
  const float size = static_cast<float>(rows.size);
  ForRows(*arguments.workspace, arguments.batch * arrangement.outer, arrangement.row_elements(),
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t row = first; row < last; ++row) {
              ReduceRows(reduction, rows, x + row * arrangement.row_elements(),
                         arguments.output + row * rows.inner);
            }
            float* const y = arguments.output;
            for (std::int64_t i = first * rows.inner; i < last * rows.inner; ++i) {
              if (operation_ == Operation::kMean) y[i] /= size;
              if (operation_ == Operation::kL2) y[i] = std::sqrt(y[i]);
            }
          });
}

void Reduce::Backward(const BackwardArguments& arguments) const {
  float* const grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const Arrangement arrangement = Arrange(arguments.input_shapes[0]);
  const std::int64_t elements = arrangement.elements();
  const ReductionRows rows = arrangement.rows;
  float* const grads = arrangement.is_moved ? arguments.temporary : grad_input;
  const float* x = arguments.inputs[0];
  if (arrangement.is_moved && ReadsValues()) {
    float* const moved = arguments.temporary + arguments.batch * elements;
    CopyExamples(arrangement.loops, arguments.batch, {x, elements, moved, elements},
                 *arguments.workspace);
    x = moved;
  }
  const float factor = operation_ == Operation::kMean ? 1.0f / static_cast<float>(rows.size) : 1.0f;
  ForExamples(*arguments.workspace, arguments.batch * arrangement.outer, arrangement.row_elements(),
              [&](std::int64_t row, float* scratch) {
                const std::int64_t at = row * arrangement.row_elements();
                const float* grad = arguments.grad_output + row * rows.inner;
                if (!ReadsValues()) {
                  SpreadRows(rows, factor, grad, grads + at);
                  return;
                }
                const float* y = arguments.output + row * rows.inner;
                const auto backward = operation_ == Operation::kL2 ? ScaleRows : RouteRows;
                backward(rows, x + at, y, grad, scratch, grads + at);
              });
  if (!arrangement.is_moved) return;
  CopyExamples(arrangement.loops.Reversed(), arguments.batch,
               {grads, elements, grad_input, elements}, *arguments.workspace);
}

}  // namespace espalier
