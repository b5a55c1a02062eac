// SPDX-License-Identifier: Apache-2.0
#include "layers/dense.h"

#include <algorithm>

#include "core/checked.h"
#include "kernels/matmul/blas.h"
#include "kernels/matmul/matmul.h"
#include "kernels/reductions/reduction.h"
#include "layers/layout.h"
#include "layers/partition.h"
#include "layers/per_position.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {

Dense::Dense(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  units_ = reader.Whole("units", 1, kMaxUnits);
  has_bias_ = reader.Flag("bias", true);
  initializer_ = WeightInitializer::Read(reader);
  reader.Flag(PerPosition::kAttribute, false);
  reader.Finish();
}

Attributes Dense::attributes() const {
  Attributes result = {{"units", units_}, {"bias", has_bias_}};
  initializer_.Write(result);
  return result;
}

Shape Dense::OutputShape(std::span<const Shape> inputs) const {
  const std::int64_t width = OnlyInput(inputs, kKind).element_count();
  const Shape weights{units_, width};  // throws if too large
  return Shape::Vector(weights[0]);
}

std::int64_t Dense::Work(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  return SaturatedAdd(SaturatedMultiply(input.element_count(), WholeVectors(units_)),
                      ElementWork(inputs, OutputShape(inputs)));
}

std::vector<ParameterSpec> Dense::Parameters(std::span<const Shape> inputs) const {
  const std::int64_t width = OnlyInput(inputs, kKind).element_count();
  std::vector<ParameterSpec> result = {{.name = "weight",
                                        .shape = Shape{units_, width},
                                        .role = ParameterRole::kWeight,
                                        .initializer = initializer_.For(width, units_)}};
  if (has_bias_) {
    result.push_back(
        {.name = "bias", .shape = Shape{units_}, .role = ParameterRole::kBias, .initializer = {}});
  }
  return result;
}

// An input that lies in another order than the weights is moved, and its gradient moved back;
// for the weights' gradient the moved one is kept in its stead.
LayerMemory Dense::Memory(std::int64_t batch, std::span<const Shape> inputs,
                          const LayerUse& use) const {
  const Shape& input = OnlyInput(inputs, kKind);
  if (LiesAsOutside(input)) return {.reads_inputs = use.grad_parameters};
  const std::int64_t moved = CheckedMultiply(batch, input.element_count());
  return {.saved = use.grad_parameters ? moved : 0,
          .forward = use.grad_parameters ? 0 : moved,
          .backward = use.grad_inputs ? moved : 0};
}

bool Dense::HasProductGradient(std::span<const Shape> inputs) const {
  return LiesAsOutside(OnlyInput(inputs, kKind));
}

std::int64_t Dense::ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const {
  const std::int64_t width = OnlyInput(inputs, kKind).element_count();
  return std::max({ParallelMatmulScratchFloats(width, units_),
                   ParallelMatmulScratchFloats(units_, width),
                   ParallelMatmulScratchFloats(batch, width)});
}

void Dense::Forward(const ForwardArguments& arguments) const {
  const Shape& input = arguments.input_shapes[0];
  const float* rows = arguments.inputs[0];
  if (!LiesAsOutside(input)) {
    float* const moved = arguments.saved != nullptr ? arguments.saved : arguments.temporary;
    ToChannelsFirst(input, arguments.batch, rows, moved, *arguments.workspace);
    rows = moved;
  }
  const std::int64_t width = input.element_count();
  const auto weight = MatrixRef::RowMajor(arguments.parameters[0], units_, width);
  const Epilogue epilogue{.column_bias = has_bias_ ? arguments.parameters[1] : nullptr,
                          .activation = arguments.activation,
                          .slope = arguments.slope};
  ParallelMatmul(MatrixRef::RowMajor(rows, arguments.batch, width), weight.Transposed(),
                 arguments.output, units_, epilogue, *arguments.workspace);
}

void Dense::Backward(const BackwardArguments& arguments) const {
  const std::int64_t batch = arguments.batch;
  const Shape& input = arguments.input_shapes[0];
  const std::int64_t width = input.element_count();
  const bool is_moved = !LiesAsOutside(input);
  const auto grad = MatrixRef::RowMajor(arguments.grad_output, batch, units_);
  Workspace& workspace = *arguments.workspace;
  if (float* grad_weight = arguments.grad_parameters[0]) {
    const auto x =
        MatrixRef::RowMajor(is_moved ? arguments.saved : arguments.inputs[0], batch, width);
    TrainingMatmul(grad.Transposed(), x, grad_weight, width, {}, workspace);
  }
  if (float* grad_bias = has_bias_ ? arguments.grad_parameters[1] : nullptr) {
    ForColumns(workspace, units_, batch, [&](std::int64_t first, std::int64_t last) {
      ColumnSums(arguments.grad_output + first, batch, last - first, units_, grad_bias + first);
    });
  }
  if (float* grad_input = arguments.grad_inputs[0]) {
    float* rows = is_moved ? arguments.temporary : grad_input;
    const auto weight = MatrixRef::RowMajor(arguments.parameters[0], units_, width);
    TrainingMatmul(grad, weight, rows, width, {}, workspace);
    if (is_moved) ToChannelsLast(input, batch, rows, grad_input, workspace);
  }
}

}  // namespace espalier
