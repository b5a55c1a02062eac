// SPDX-License-Identifier: Apache-2.0
#include "layers/recurrent.h"

#include <algorithm>
#include <array>

#include "core/checked.h"
#include "core/text.h"
#include "kernels/matmul/blas.h"
#include "kernels/matmul/matmul.h"
#include "kernels/reductions/reduction.h"
#include "layers/attribute_reader.h"
#include "layers/partition.h"
#include "layers/recurrent_group.h"
#include "layers/valid_positions.h"
#include "layers/work.h"

namespace espalier {
namespace {

// In the order of Cell.
constexpr std::array<std::string_view, 2> kKinds = {"gru", "lstm"};

// The weights of one direction as the products take them.
MatrixRef WeightOf(const RecurrentSizes& sizes, const float* weight, std::int64_t columns,
                   std::int64_t direction) {
  const std::int64_t rows = sizes.weight_rows();
  return MatrixRef::RowMajor(weight + direction * rows * columns, rows, columns);
}

// The weights of one direction in one of its products of states.
MatrixRef WeightOf(const RecurrentSizes& sizes, const float* weight, const WeightRows& piece,
                   std::int64_t direction) {
  const std::int64_t row = direction * sizes.weight_rows() + piece.row;
  return MatrixRef::RowMajor(weight + row * sizes.hidden, piece.count, sizes.hidden);
}

// Packed for Forward: for each direction the input's weights, then those of each product of states.
std::int64_t InputPackedFloats(const RecurrentSizes& sizes) {
  return PackedFloats(sizes.width, sizes.weight_rows());
}
std::int64_t ForwardPackedFloats(const RecurrentSizes& sizes) {
  std::int64_t floats = InputPackedFloats(sizes);
  for (const WeightRows& piece : StateProducts(sizes)) {
    floats = CheckedAdd(floats, PackedFloats(sizes.hidden, piece.count));
  }
  return floats;
}

void PackForward(const RecurrentSizes& sizes, std::span<const float* const> parameters,
                 float* packed, Workspace& workspace) {
  workspace.ParallelFor(2 * sizes.directions, [&](std::int64_t task, std::span<float>) {
    const std::int64_t direction = task / 2;
    float* const to = packed + direction * ForwardPackedFloats(sizes);
    if (task % 2 == 0) {
      PackB(WeightOf(sizes, parameters[0], sizes.width, direction).Transposed(), to);
    } else {
      float* piece_to = to + InputPackedFloats(sizes);
      for (const WeightRows& piece : StateProducts(sizes)) {
        PackB(WeightOf(sizes, parameters[1], piece, direction).Transposed(), piece_to);
        piece_to += PackedFloats(sizes.hidden, piece.count);
      }
    }
  });
}

// Packed for Backward: for each direction the weights of each product of states.
std::int64_t BackwardPackedFloats(const RecurrentSizes& sizes) {
  std::int64_t floats = 0;
  for (const WeightRows& piece : StateProducts(sizes)) {
    floats = CheckedAdd(floats, PackedFloats(piece.count, sizes.hidden));
  }
  return floats;
}

void PackBackward(const RecurrentSizes& sizes, std::span<const float* const> parameters,
                  float* packed, Workspace& workspace) {
  workspace.ParallelFor(sizes.directions, [&](std::int64_t direction, std::span<float>) {
    float* to = packed + direction * BackwardPackedFloats(sizes);
    for (const WeightRows& piece : StateProducts(sizes)) {
      PackB(WeightOf(sizes, parameters[1], piece, direction), to);
      to += PackedFloats(piece.count, sizes.hidden);
    }
  });
}

// The inputs, and 0 behind the valid positions.
void CopyValid(const RecurrentSizes& sizes, std::int64_t batch,
               std::span<const float* const> inputs, float* to, Workspace& workspace) {
  const std::int64_t floats = sizes.length * sizes.width;
  ForRows(workspace, batch, floats, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      const std::int64_t valid = ValidPositions(inputs, 1, i, sizes.length) * sizes.width;
      std::copy_n(inputs[0] + i * floats, valid, to + i * floats);
      std::fill_n(to + i * floats + valid, floats - valid, 0.0f);
    }
  });
}

// The gradients of the parameters of one direction from those of all its gates, `grads`. `inputs`
// are 0 where no gradient is: NaN times 0 would be NaN.
void AddUpGradients(const RecurrentSizes& sizes, std::int64_t direction, std::int64_t positions,
                    const float* inputs, const float* saved, const float* grads,
                    std::span<float* const> gradients, Workspace& workspace) {
  const std::int64_t rows = sizes.weight_rows();
  const std::int64_t stride = sizes.gates();
  const auto columns_of = [&](std::int64_t column, std::int64_t count) {
    return MatrixRef{grads + column, positions, count, stride, 1};
  };
  const auto sum = [&](std::int64_t column, std::int64_t count, float* to) {
    ForColumns(workspace, count, positions, [&](std::int64_t first, std::int64_t last) {
      ColumnSums(grads + column + first, positions, last - first, stride, to + first);
    });
  };
  if (float* const weight = gradients[0]) {
    TrainingMatmul(columns_of(0, rows).Transposed(),
                   MatrixRef::RowMajor(inputs, positions, sizes.width),
                   weight + direction * rows * sizes.width, sizes.width, {}, workspace);
  }
  if (float* const recurrent = gradients[1]) {
    for (const GateColumns& piece : AllGateColumns(sizes)) {
      const MatrixRef factors{saved + piece.factor, positions, sizes.hidden, sizes.saved(), 1};
      TrainingMatmul(columns_of(piece.column, piece.count).Transposed(), factors,
                     recurrent + (direction * rows + piece.row) * sizes.hidden, sizes.hidden, {},
                     workspace);
    }
  }
  if (gradients.size() == 2) return;  // no bias
  if (float* const bias = gradients[2]) sum(0, rows, bias + direction * rows);
  if (float* const recurrent_bias = gradients[3]) {
    for (const GateColumns& piece : AllGateColumns(sizes)) {
      sum(piece.column, piece.count, recurrent_bias + direction * rows + piece.row);
    }
  }
}

}  // namespace

Recurrent::Recurrent(std::string_view kind, const Attributes& attributes) {
  const auto found = std::find(kKinds.begin(), kKinds.end(), kind);
  if (found == kKinds.end()) {
    Fail(ErrorCode::kInternal, "expected a kind of recurrent layer, got ", kind);
  }
  cell_ = static_cast<Cell>(found - kKinds.begin());
  AttributeReader reader(kind, attributes);
  hidden_ = reader.Whole("hidden", 1, kMaxUnits);
  is_bidirectional_ = reader.Flag("bidirectional", false);
  has_bias_ = reader.Flag("bias", true);
  returns_sequence_ = reader.Flag("return_sequence", true);
  resets_after_ = cell_ == Cell::kLstm || reader.Flag("reset_after", true);
  reader.Finish();
}

std::span<const std::string_view> Recurrent::Kinds() { return kKinds; }

std::string_view Recurrent::kind() const { return kKinds[static_cast<std::size_t>(cell_)]; }

Attributes Recurrent::attributes() const {
  Attributes result = {{"hidden", hidden_},
                       {"bidirectional", is_bidirectional_},
                       {"bias", has_bias_},
                       {"return_sequence", returns_sequence_}};
  // Files without it are those that there were before it.
  if (!resets_after_) result["reset_after"] = false;
  return result;
}

RecurrentSizes Recurrent::SizesOf(std::span<const Shape> inputs) const {
  return {.is_lstm = cell_ == Cell::kLstm,
          .resets_before = !resets_after_,
          .returns_sequence = returns_sequence_,
          .directions = is_bidirectional_ ? 2 : 1,
          .length = inputs[0][0],
          .width = inputs[0][1],
          .hidden = hidden_};
}

Shape Recurrent::OutputShape(std::span<const Shape> inputs) const {
  if (inputs.empty() || inputs.size() > 2) {
    Fail(ErrorCode::kShapeMismatch, kind(),
         ": expected 1 input, and perhaps the number of valid positions, got ", inputs.size());
  }
  if (inputs[0].rank() != 2) {
    Fail(ErrorCode::kShapeMismatch, kind(), ": expected an input [length, width], got ",
         inputs[0].ToString());
  }
  CheckValidPositions(inputs, 1, kind());
  Parameters(inputs);  // throws if one is too large
  const RecurrentSizes sizes = SizesOf(inputs);
  return returns_sequence_ ? Shape{sizes.length, sizes.output_width()}
                           : Shape{sizes.output_width()};
}

IntegerRange Recurrent::InputRange(std::size_t /*input*/, std::span<const Shape> inputs) const {
  return RangeOfValidPositions(inputs[0][0]);
}

std::vector<ParameterSpec> Recurrent::Parameters(std::span<const Shape> inputs) const {
  const RecurrentSizes sizes = SizesOf(inputs);
  const std::int64_t rows = sizes.directions * sizes.weight_rows();
  const InitializerSpec initializer = {.name = "standard_uniform", .fan_in = hidden_};
  std::vector<ParameterSpec> result = {
      {"weight", Shape{rows, sizes.width}, ParameterRole::kWeight, initializer},
      {"recurrent_weight", Shape{rows, sizes.hidden}, ParameterRole::kWeight, initializer}};
  if (has_bias_) {
    for (const char* name : {"bias", "recurrent_bias"}) {
      result.push_back({name, Shape{rows}, ParameterRole::kBias, initializer});
    }
  }
  return result;
}

std::int64_t Recurrent::Work(std::span<const Shape> inputs) const {
  const Shape output = OutputShape(inputs);
  const RecurrentSizes sizes = SizesOf(inputs);
  const std::int64_t gates =
      SaturatedMultiply(sizes.length * sizes.directions, WholeVectors(sizes.weight_rows()));
  return SaturatedAdd(
      SaturatedMultiply(gates, SaturatedAdd(sizes.width + sizes.hidden, kElementWork)),
      ElementWork(inputs, output));
}

// Weights that change are packed for each pass; others once, for Forward and then for Backward.
// Where packed weights were for Backward, the valid inputs lie later, if not all are valid.
LayerMemory Recurrent::Memory(std::int64_t batch, std::span<const Shape> inputs,
                              const LayerUse& use) const {
  const RecurrentSizes sizes = SizesOf(inputs);
  const bool has_backward = use.grad_inputs || use.grad_parameters;
  const std::int64_t rows = CheckedMultiply(batch, sizes.length);
  const std::int64_t positions = CheckedMultiply(rows, sizes.directions);
  const std::int64_t gates = CheckedMultiply(positions, sizes.gates());
  const std::int64_t packed = CheckedMultiply(sizes.directions, ForwardPackedFloats(sizes));
  if (!has_backward) return {.forward = gates, .prepared = packed};
  const std::int64_t packed_backward =
      CheckedMultiply(sizes.directions, BackwardPackedFloats(sizes));
  LayerMemory memory = {.saved = CheckedMultiply(positions, sizes.saved()),
                        .backward = gates,
                        .reads_inputs = use.grad_parameters || inputs.size() > 1};
  if (!use.grad_parameters) {
    memory.prepared = CheckedAdd(packed, packed_backward);
    return memory;
  }
  const std::int64_t valid_inputs = inputs.size() > 1 ? CheckedMultiply(rows, sizes.width) : 0;
  memory.forward = packed;
  memory.backward = CheckedAdd(gates, std::max(packed_backward, valid_inputs));
  return memory;
}

std::int64_t Recurrent::ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const {
  const RecurrentSizes sizes = SizesOf(inputs);
  const std::int64_t positions = CheckedMultiply(batch, sizes.length);
  return std::max({GroupScratchFloats(sizes),
                   MatmulPackedScratchFloats(MatrixRef::RowMajor(nullptr, positions, sizes.width)),
                   ParallelMatmulScratchFloats(sizes.weight_rows(), sizes.width),
                   ParallelMatmulScratchFloats(positions, sizes.width),
                   ParallelMatmulScratchFloats(positions, sizes.hidden)});
}

void Recurrent::Prepare(std::span<const Shape> inputs, const LayerUse& use,
                        std::span<const float* const> parameters, float* prepared,
                        Workspace& workspace) const {
  const RecurrentSizes sizes = SizesOf(inputs);
  PackForward(sizes, parameters, prepared, workspace);
  if (!use.grad_inputs) return;
  PackBackward(sizes, parameters, prepared + sizes.directions * ForwardPackedFloats(sizes),
               workspace);
}

void Recurrent::Forward(const ForwardArguments& arguments) const {
  const RecurrentSizes sizes = SizesOf(arguments.input_shapes);
  Workspace& workspace = *arguments.workspace;
  const float* packed = arguments.prepared;
  if (packed == nullptr) {
    PackForward(sizes, arguments.parameters, arguments.temporary, workspace);
    packed = arguments.temporary;
  }
  const bool is_saved = arguments.saved != nullptr;
  float* const all = is_saved ? arguments.saved : arguments.temporary;
  const std::int64_t stride = is_saved ? sizes.saved() : sizes.gates();
  const std::int64_t positions = arguments.batch * sizes.length;
  const std::int64_t rows = sizes.weight_rows();
  const auto bias_of = [&](std::size_t parameter, std::int64_t direction) {
    return has_bias_ ? arguments.parameters[parameter] + direction * rows : nullptr;
  };
  for (std::int64_t direction = 0; direction < sizes.directions; ++direction) {
    ParallelMatmulPacked(MatrixRef::RowMajor(arguments.inputs[0], positions, sizes.width),
                         packed + direction * ForwardPackedFloats(sizes), rows,
                         all + direction * positions * stride, stride,
                         {.column_bias = bias_of(2, direction)}, workspace);
  }
  ForGroups(sizes, arguments.batch, arguments.inputs, workspace,
            [&](const RecurrentGroup& group, float* scratch) {
              const std::int64_t direction = group.direction;
              RunSteps(sizes, group,
                       {.packed_weight = packed + direction * ForwardPackedFloats(sizes) +
                                         InputPackedFloats(sizes),
                        .bias = bias_of(3, direction),
                        .positions = all + direction * positions * stride,
                        .is_saved = is_saved,
                        .output = arguments.output},
                       scratch);
            });
}

void Recurrent::Backward(const BackwardArguments& arguments) const {
  const RecurrentSizes sizes = SizesOf(arguments.input_shapes);
  Workspace& workspace = *arguments.workspace;
  const std::int64_t positions = arguments.batch * sizes.length;
  const auto grads_of = [&](std::int64_t direction) {
    return arguments.temporary + direction * positions * sizes.gates();
  };
  const auto saved_of = [&](std::int64_t direction) {
    return arguments.saved + direction * positions * sizes.saved();
  };
  float* const rest = grads_of(sizes.directions);
  const float* packed = rest;
  if (arguments.prepared != nullptr) {
    packed = arguments.prepared + sizes.directions * ForwardPackedFloats(sizes);
  } else {
    PackBackward(sizes, arguments.parameters, rest, workspace);
  }
  ForGroups(sizes, arguments.batch, arguments.inputs, workspace,
            [&](const RecurrentGroup& group, float* scratch) {
              const std::int64_t direction = group.direction;
              RunStepsBackward(sizes, group,
                               {.packed_weight = packed + direction * BackwardPackedFloats(sizes),
                                .saved = saved_of(direction),
                                .grad_output = arguments.grad_output,
                                .grads = grads_of(direction)},
                               scratch);
            });
  const float* inputs = arguments.inputs[0];
  if (arguments.grad_parameters[0] != nullptr && arguments.inputs.size() > 1) {
    CopyValid(sizes, arguments.batch, arguments.inputs, rest, workspace);
    inputs = rest;
  }
  for (std::int64_t direction = 0; direction < sizes.directions; ++direction) {
    const float* const grads = grads_of(direction);
    AddUpGradients(sizes, direction, positions, inputs, saved_of(direction), grads,
                   arguments.grad_parameters, workspace);
    if (float* const grad_input = arguments.grad_inputs[0]) {
      TrainingMatmul({grads, positions, sizes.weight_rows(), sizes.gates(), 1},
                     WeightOf(sizes, arguments.parameters[0], sizes.width, direction), grad_input,
                     sizes.width, {.accumulate = direction > 0}, workspace);
    }
  }
}

}  // namespace espalier
