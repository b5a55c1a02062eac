// SPDX-License-Identifier: Apache-2.0
#include "layers/broadcast.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/text.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/reductions/reduction.h"
#include "layers/layout.h"
#include "layers/partition.h"

namespace espalier {
namespace {

// Floats of the terms of a sum that are in the cache at once.
constexpr std::int64_t kPiece = 4096;

constexpr int kOperands = 2;
using Steps = std::array<std::int64_t, kOperands>;  // of operands

// How far elements that are neighbours along a dimension lie apart.
using Strides = std::array<std::int64_t, Shape::kMaxRank>;

Strides StridesOf(const Shape& shape, Layout layout) {
  Strides strides{};
  const int rank = shape.rank();
  const bool is_last = layout == Layout::kChannelsLast && rank > 1;
  std::int64_t step = is_last ? shape[0] : 1;
  for (int i = rank - 1; i >= (is_last ? 1 : 0); --i) {
    strides[static_cast<std::size_t>(i)] = step;
    step *= shape[i];
  }
  if (is_last) strides[0] = 1;
  return strides;
}

// The loops over a result as it lies, the innermost first; neighbours that step alike are one.
class Loops {
 public:
  struct Loop {
    std::int64_t size = 1;
    Steps steps = {0, 0};  // of the operands; 0: repeated
  };

  Loops(std::span<const Shape> inputs, const Shape& output, Layout layout) {
    std::array<Strides, kOperands> strides;
    for (std::size_t k = 0; k < kOperands; ++k) strides[k] = StridesOf(inputs[k], layout);
    const auto add_axis = [&](int axis) {
      Steps steps = {0, 0};
      for (std::size_t k = 0; k < kOperands; ++k) {
        const int own = axis - (output.rank() - inputs[k].rank());
        if (own >= 0 && inputs[k][own] > 1) steps[k] = strides[k][static_cast<std::size_t>(own)];
      }
      Add(output[axis], steps);
    };
    const bool is_last = layout == Layout::kChannelsLast && output.rank() > 1;
    if (is_last) add_axis(0);
    for (int axis = output.rank() - 1; axis >= (is_last ? 1 : 0); --axis) add_axis(axis);
  }

  // A loop around all others.
  void Add(std::int64_t size, const Steps& steps) {
    if (size == 1) return;
    if (count_ > 0) {
      Loop& inner = loops_[static_cast<std::size_t>(count_ - 1)];
      if (steps[0] == inner.size * inner.steps[0] && steps[1] == inner.size * inner.steps[1]) {
        inner.size *= size;
        return;
      }
    }
    loops_[static_cast<std::size_t>(count_++)] = {size, steps};
  }

  const Loop& columns() const { return loops_[0]; }
  const Loop& rows() const { return loops_[1]; }

  // True if operand k lies as the result does, and has all of its elements.
  bool IsWhole(std::size_t k) const {
    std::int64_t step = 1;
    for (int i = 0; i < count_; ++i) {
      const Loop& loop = loops_[static_cast<std::size_t>(i)];
      if (loop.steps[k] != step) return false;
      step *= loop.size;
    }
    return true;
  }

  // body(first, rows, columns, offsets) for the elements [first, last) in runs of whole rows, or
  // of a part of one; `offsets` say where the operands' elements begin.
  template <typename Body>
  void ForRuns(std::int64_t first, std::int64_t last, Body body) const {
    while (first < last) {
      Steps offsets = {0, 0};
      std::int64_t rest = first;
      std::array<std::int64_t, 2> at = {0, 0};  // the row's column, and its place among the rows
      for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(count_, 2)); ++i) {
        const std::int64_t index = rest % loops_[i].size;
        rest /= loops_[i].size;
        if (i < 2) at[i] = index;
        for (std::size_t k = 0; k < kOperands; ++k) offsets[k] += index * loops_[i].steps[k];
      }
      std::int64_t columns = this->columns().size;
      std::int64_t rows = 1;
      if (at[0] != 0 || last - first < columns) {
        columns = std::min(columns - at[0], last - first);
      } else {
        rows = std::min((last - first) / columns, this->rows().size - at[1]);
      }
      body(first, rows, columns, offsets);
      first += rows * columns;
    }
  }

 private:
  int count_ = 0;
  std::array<Loop, Shape::kMaxRank + 1> loops_;
};

// Operand k of elements that begin at `offsets`.
StridedRows Operand(const Loops& loops, std::size_t k, const float* values, const Steps& offsets) {
  return {.values = values + offsets[k],
          .row_stride = loops.rows().steps[k],
          .column_stride = loops.columns().steps[k]};
}

// Adds x[rows, columns] to the elements of operand k that it belongs to; `sums`: a column each.
void AddTerms(const Loops& loops, std::size_t k, const float* x, std::int64_t rows,
              std::int64_t columns, float* sums, float* grad) {
  const std::int64_t row_step = loops.rows().steps[k];
  const std::int64_t column_step = loops.columns().steps[k];
  if (column_step == 0) {
    AddRowSums(x, rows, columns, row_step, grad);
  } else if (column_step == 1 && row_step == 0) {
    ColumnSums(x, rows, columns, columns, sums);
    AddArrays(grad, sums, columns, grad);
  } else {
    for (std::int64_t row = 0; row < rows; ++row, x += columns, grad += row_step) {
      if (column_step == 1) {
        AddArrays(grad, x, columns, grad);
      } else {
        for (std::int64_t i = 0; i < columns; ++i) grad[i * column_step] += x[i];
      }
    }
  }
}

class Backward {
 public:
  Backward(Binary function, const BackwardArguments& arguments)
      : function_(function),
        arguments_(arguments),
        floats_(arguments.output_shape.element_count()) {}

  // Operand k is not repeated.
  void RunElements(const Loops& loops, std::size_t k) const {
    const Loops batch = OfBatch(loops);
    float* const grad = arguments_.grad_inputs[k];
    ForElements(*arguments_.workspace, arguments_.batch * floats_,
                [&](std::int64_t first, std::int64_t last) {
                  batch.ForRuns(first, last,
                                [&](std::int64_t begin, std::int64_t rows, std::int64_t columns,
                                    const Steps& offsets) {
                                  BinaryBackward(function_, static_cast<int>(k), rows, columns,
                                                 Operand(batch, 0, arguments_.inputs[0], offsets),
                                                 Operand(batch, 1, arguments_.inputs[1], offsets),
                                                 arguments_.grad_output + begin, grad + begin);
                                });
                });
  }

  // The terms of an example's sums, a piece at a time.
  void RunSums(const Loops& loops, std::size_t k) const {
    const std::int64_t own = arguments_.input_shapes[k].element_count();
    const std::int64_t run = std::max<std::int64_t>(1, kTaskElements / floats_);
    const std::int64_t tasks = (arguments_.batch + run - 1) / run;
    arguments_.workspace->ParallelFor(tasks, [&](std::int64_t task, std::span<float> scratch) {
      for (std::int64_t i = task * run; i < std::min(arguments_.batch, (task + 1) * run); ++i) {
        float* const grad = arguments_.grad_inputs[k] + i * own;
        std::fill_n(grad, own, 0.0f);
        SumExample(loops, k, i, scratch.data(), grad);
      }
    });
  }

 private:
  Loops OfBatch(Loops loops) const {
    loops.Add(arguments_.batch, {arguments_.input_shapes[0].element_count(),
                                 arguments_.input_shapes[1].element_count()});
    return loops;
  }

  void SumExample(const Loops& loops, std::size_t k, std::int64_t example, float* scratch,
                  float* grad) const {
    const float* inputs[kOperands];
    for (std::size_t i = 0; i < kOperands; ++i) {
      inputs[i] = arguments_.inputs[i] + example * arguments_.input_shapes[i].element_count();
    }
    const float* const grad_output = arguments_.grad_output + example * floats_;
    float* const sums = scratch + kPiece;
    const std::int64_t columns = loops.columns().size;
    const std::int64_t piece = columns < kPiece ? kPiece / columns * columns : kPiece;
    for (std::int64_t first = 0; first < floats_; first += piece) {
      loops.ForRuns(first, std::min(floats_, first + piece),
                    [&](std::int64_t begin, std::int64_t rows, std::int64_t run_columns,
                        const Steps& offsets) {
                      BinaryBackward(function_, static_cast<int>(k), rows, run_columns,
                                     Operand(loops, 0, inputs[0], offsets),
                                     Operand(loops, 1, inputs[1], offsets), grad_output + begin,
                                     scratch);
                      AddTerms(loops, k, scratch, rows, run_columns, sums, grad + offsets[k]);
                    });
    }
  }

  Binary function_;
  const BackwardArguments& arguments_;
  std::int64_t floats_;
};

}  // namespace

Shape BroadcastShape(std::string_view kind, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> dimensions;
  for (int axis = 0; axis < rank; ++axis) {
    const auto size = [&](const Shape& shape) {
      const int own = axis - (rank - shape.rank());
      return own < 0 ? std::int64_t{1} : shape[own];
    };
    if (size(a) != size(b) && size(a) != 1 && size(b) != 1) {
      Fail(ErrorCode::kShapeMismatch, kind,
           ": expected inputs whose dimensions, from the last on, are equal or 1, got ",
           a.ToString(), " and ", b.ToString());
    }
    dimensions.push_back(std::max(size(a), size(b)));
  }
  return Shape(dimensions);
}

std::int64_t BroadcastScratchFloats(std::span<const Shape> inputs) {
  return inputs[0] == inputs[1] ? 0 : 2 * kPiece;
}

void BroadcastForward(Binary function, const ForwardArguments& arguments) {
  Loops loops(arguments.input_shapes, arguments.output_shape, arguments.layout);
  loops.Add(arguments.batch,
            {arguments.input_shapes[0].element_count(), arguments.input_shapes[1].element_count()});
  ForElements(*arguments.workspace, arguments.batch * arguments.output_shape.element_count(),
              [&](std::int64_t first, std::int64_t last) {
                loops.ForRuns(first, last,
                              [&](std::int64_t begin, std::int64_t rows, std::int64_t columns,
                                  const Steps& offsets) {
                                BinaryForward(function, rows, columns,
                                              Operand(loops, 0, arguments.inputs[0], offsets),
                                              Operand(loops, 1, arguments.inputs[1], offsets),
                                              arguments.output + begin);
                              });
              });
}

void BroadcastBackward(Binary function, const BackwardArguments& arguments) {
  const Backward backward(function, arguments);
  const Loops loops(arguments.input_shapes, arguments.output_shape, arguments.layout);
  for (std::size_t k = 0; k < kOperands; ++k) {
    if (arguments.grad_inputs[k] == nullptr) continue;
    if (loops.IsWhole(k)) {
      backward.RunElements(loops, k);
    } else {
      backward.RunSums(loops, k);
    }
  }
}

}  // namespace espalier
