// SPDX-License-Identifier: Apache-2.0
#include "layers/dense.h"

#include <algorithm>

#include "core/checked.h"
#include "kernels/blas.h"
#include "kernels/matmul.h"
#include "kernels/reduction.h"
#include "layers/layout.h"
#include "layers/partition.h"
#include "layers/window.h"

namespace espalier {

Dense::Dense(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  units_ = reader.Whole("units", 1, kMaxUnits);
  has_bias_ = reader.Flag("bias", true);
  initializer_ = WeightInitializer::Read(reader);
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

// Saved: the input in the order of the weights, if it lies in another one.
std::int64_t Dense::SavedFloats(std::int64_t batch, std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  return LiesAsOutside(input) ? 0 : CheckedMultiply(batch, input.element_count());
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
    MoveOutside(input, arguments.batch, rows, arguments.saved, *arguments.workspace);
    rows = arguments.saved;
  }
  const std::int64_t width = input.element_count();
  const auto weight = MatrixRef::RowMajor(arguments.parameters[0], units_, width);
  const Epilogue epilogue{.column_bias = has_bias_ ? arguments.parameters[1] : nullptr,
                          .activation = arguments.activation};
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
    // The saved input has been read: its place takes the gradient in the weights' order.
    float* rows = is_moved ? arguments.saved : grad_input;
    const auto weight = MatrixRef::RowMajor(arguments.parameters[0], units_, width);
    TrainingMatmul(grad, weight, rows, width, {}, workspace);
    if (is_moved) MoveInside(input, batch, rows, grad_input, workspace);
  }
}

}  // namespace espalier
