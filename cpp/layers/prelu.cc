// SPDX-License-Identifier: Apache-2.0
#include "layers/prelu.h"

#include "core/checked.h"
#include "kernels/elementwise/binary.h"
#include "kernels/norms/channels.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {
namespace {

// body(rows, columns, offset) for runs of the elements: rows of channels, or one row of elements
// that share their weight.
template <typename Body>
void ForRuns(Workspace& workspace, std::int64_t elements, std::int64_t weights, Body body) {
  ForRows(workspace, elements / weights, weights, [&](std::int64_t first, std::int64_t last) {
    if (weights == 1) {
      body(1, last - first, first);
    } else {
      body(last - first, weights, first * weights);
    }
  });
}

StridedRows WeightsOf(const float* weight, std::int64_t weights) {
  return {.values = weight, .row_stride = 0, .column_stride = weights == 1 ? 0 : 1};
}

StridedRows Elements(const float* values, std::int64_t columns) {
  return {.values = values, .row_stride = columns, .column_stride = 1};
}

}  // namespace

Prelu::Prelu(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  is_per_channel_ = reader.Flag("per_channel", false);
  reader.Finish();
}

Shape Prelu::OutputShape(std::span<const Shape> inputs) const { return OnlyInput(inputs, kKind); }

std::vector<ParameterSpec> Prelu::Parameters(std::span<const Shape> inputs) const {
  const Shape shape = Shape::Vector(Weights(OnlyInput(inputs, kKind)));
  return {{"weight", shape, ParameterRole::kBias, {.name = "constant", .value = 0.25}}};
}

std::int64_t Prelu::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

// Temporary in Backward: what each element adds to its weight's gradient, then the sums of chunks.
LayerMemory Prelu::Memory(std::int64_t batch, std::span<const Shape> inputs,
                          const LayerUse& use) const {
  LayerMemory memory{.reads_inputs = true};
  if (use.grad_parameters) {
    const Shape& shape = OnlyInput(inputs, kKind);
    const std::int64_t elements = CheckedMultiply(batch, shape.element_count());
    const std::int64_t weights = Weights(shape);
    memory.backward = CheckedAdd(
        elements, ChannelPartialFloats({.rows = elements / weights, .channels = weights}));
  }
  return memory;
}

void Prelu::Forward(const ForwardArguments& arguments) const {
  const Shape& shape = arguments.output_shape;
  const std::int64_t weights = Weights(shape);
  ForRuns(*arguments.workspace, arguments.batch * shape.element_count(), weights,
          [&](std::int64_t rows, std::int64_t columns, std::int64_t at) {
            BinaryForward(Binary::kPrelu, rows, columns,
                          Elements(arguments.inputs[0] + at, columns),
                          WeightsOf(arguments.parameters[0], weights), arguments.output + at);
          });
}

void Prelu::Backward(const BackwardArguments& arguments) const {
  const Shape& shape = arguments.output_shape;
  const std::int64_t weights = Weights(shape);
  const std::int64_t elements = arguments.batch * shape.element_count();
  const auto differentiate = [&](int operand, float* grad) {
    ForRuns(*arguments.workspace, elements, weights,
            [&](std::int64_t rows, std::int64_t columns, std::int64_t at) {
              BinaryBackward(Binary::kPrelu, operand, rows, columns,
                             Elements(arguments.inputs[0] + at, columns),
                             WeightsOf(arguments.parameters[0], weights),
                             arguments.grad_output + at, grad + at);
            });
  };
  // First the weight's, as the input's may take the place of the output's.
  if (float* const grad_weight = arguments.grad_parameters[0]) {
    float* const terms = arguments.temporary;
    differentiate(1, terms);
    ChannelSums({.rows = elements / weights, .channels = weights}, terms, grad_weight,
                terms + elements, *arguments.workspace);
  }
  if (float* const grad_input = arguments.grad_inputs[0]) differentiate(0, grad_input);
}

}  // namespace espalier
