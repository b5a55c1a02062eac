// SPDX-License-Identifier: Apache-2.0
#include "layers/rms_norm.h"

#include "core/checked.h"
#include "kernels/norms/rms_normalization.h"
#include "layers/attribute_reader.h"
#include "layers/partition.h"
#include "layers/positions.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {

RmsNorm::RmsNorm(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  epsilon_ = reader.Real("epsilon", 1e-12, 1.0, 1e-6);
  reader.Finish();
}

Shape RmsNorm::OutputShape(std::span<const Shape> inputs) const { return OnlyInput(inputs, kKind); }

std::int64_t RmsNorm::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

std::vector<ParameterSpec> RmsNorm::Parameters(std::span<const Shape> inputs) const {
  const Shape width = Shape::Vector(WidthOf(OnlyInput(inputs, kKind)));
  return {{"weight", width, ParameterRole::kNorm, {.name = "constant", .value = 1.0}}};
}

// Saved: what each position is multiplied by.
LayerMemory RmsNorm::Memory(std::int64_t batch, std::span<const Shape> inputs,
                            const LayerUse& use) const {
  if (!use.grad_inputs && !use.grad_parameters) return {};
  return {.saved = CheckedMultiply(batch, PositionsOf(OnlyInput(inputs, kKind))),
          .reads_inputs = true};
}

void RmsNorm::Forward(const ForwardArguments& arguments) const {
  const Shape& shape = arguments.input_shapes[0];
  const RmsNormalization normalization = {.columns = WidthOf(shape),
                                          .epsilon = static_cast<float>(epsilon_),
                                          .weight = arguments.parameters[0]};
  ForRows(*arguments.workspace, arguments.batch * PositionsOf(shape), WidthOf(shape),
          [&](std::int64_t first, std::int64_t last) {
            RmsNormalizeRows(normalization, first, last, arguments.inputs[0], arguments.output,
                             arguments.saved);
          });
}

void RmsNorm::Backward(const BackwardArguments& arguments) const {
  const Shape& shape = arguments.input_shapes[0];
  const std::int64_t rows = arguments.batch * PositionsOf(shape);
  const float* x = arguments.inputs[0];
  const float* scale = arguments.saved;
  const RmsNormalization normalization = {.columns = WidthOf(shape),
                                          .epsilon = static_cast<float>(epsilon_),
                                          .weight = arguments.parameters[0]};
  if (float* grad_input = arguments.grad_inputs[0]) {
    ForRows(*arguments.workspace, rows, WidthOf(shape), [&](std::int64_t first, std::int64_t last) {
      RmsNormalizeRowsBackward(normalization, first, last, x, scale, arguments.grad_output,
                               grad_input);
    });
  }
  if (float* grad_weight = arguments.grad_parameters[0]) {
    ForColumns(*arguments.workspace, WidthOf(shape), rows,
               [&](std::int64_t first, std::int64_t last) {
                 RmsNormalizeRowsBackwardWeight(normalization, rows, first, last, x, scale,
                                                arguments.grad_output, grad_weight);
               });
  }
}

}  // namespace espalier
