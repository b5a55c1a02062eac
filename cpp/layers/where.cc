// SPDX-License-Identifier: Apache-2.0
#include "layers/where.h"

#include <algorithm>

#include "core/checked.h"
#include "core/text.h"
#include "kernels/elementwise/selection.h"
#include "layers/attribute_reader.h"
#include "layers/broadcast.h"
#include "layers/expansion.h"
#include "layers/partition.h"
#include "layers/work.h"

namespace espalier {
namespace {

enum Input { kCondition, kFirst, kSecond, kInputs };

// Of all inputs that are to be expanded, for a batch.
std::int64_t ExpandedFloats(std::int64_t batch, std::span<const Shape> inputs,
                            const Shape& output) {
  const auto count = std::count_if(inputs.begin(), inputs.end(),
                                   [&](const Shape& input) { return input != output; });
  return CheckedMultiply(count, CheckedMultiply(batch, output.element_count()));
}

}  // namespace

Where::Where(const Attributes& attributes) { AttributeReader(kKind, attributes).Finish(); }

Shape Where::OutputShape(std::span<const Shape> inputs) const {
  if (inputs.size() != kInputs) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected 3 inputs, got ", inputs.size());
  }
  return BroadcastShape(kKind, inputs[kCondition],
                        BroadcastShape(kKind, inputs[kFirst], inputs[kSecond]));
}

std::int64_t Where::Work(std::span<const Shape> inputs) const {
  return SaturatedMultiply(ElementWork(inputs, OutputShape(inputs)), 2);
}

// Temporary: what was expanded, in Backward gradients of what was.
LayerMemory Where::Memory(std::int64_t batch, std::span<const Shape> inputs,
                          const LayerUse& use) const {
  const std::int64_t expanded = ExpandedFloats(batch, inputs, OutputShape(inputs));
  return {.forward = expanded,
          .backward = use.grad_inputs ? expanded : 0,
          .reads_inputs = use.grad_inputs};
}

void Where::Forward(const ForwardArguments& arguments) const {
  const Shape& output = arguments.output_shape;
  const std::int64_t count = arguments.batch * output.element_count();
  float* free = arguments.temporary;
  const float* operands[kInputs];
  for (std::size_t i = 0; i < kInputs; ++i) {
    operands[i] = arguments.inputs[i];
    if (arguments.input_shapes[i] == output) continue;
    ExpandExamples(arguments.input_shapes[i], output, arguments.batch, arguments.inputs[i], free,
                   *arguments.workspace);
    operands[i] = free;
    free += count;
  }
  ForElements(*arguments.workspace, count, [&](std::int64_t first, std::int64_t last) {
    SelectArrays(operands[kCondition] + first, operands[kFirst] + first, operands[kSecond] + first,
                 last - first, arguments.output + first);
  });
}

void Where::Backward(const BackwardArguments& arguments) const {
  const Shape& output = arguments.output_shape;
  const std::int64_t count = arguments.batch * output.element_count();
  float* free = arguments.temporary;
  const float* condition = arguments.inputs[kCondition];
  if (arguments.input_shapes[kCondition] != output) {
    ExpandExamples(arguments.input_shapes[kCondition], output, arguments.batch, condition, free,
                   *arguments.workspace);
    condition = free;
    free += count;
  }
  if (float* grad = arguments.grad_inputs[kCondition]) {
    std::fill_n(grad, arguments.batch * arguments.input_shapes[kCondition].element_count(), 0.0f);
  }
  for (const std::size_t i : {kFirst, kSecond}) {
    float* const grad_input = arguments.grad_inputs[i];
    if (grad_input == nullptr) continue;
    const bool is_expanded = arguments.input_shapes[i] != output;
    float* const grads = is_expanded ? free : grad_input;
    ForElements(*arguments.workspace, count, [&](std::int64_t first, std::int64_t last) {
      const float* grad = arguments.grad_output + first;
      SelectArrays(condition + first, i == kFirst ? grad : nullptr, i == kFirst ? nullptr : grad,
                   last - first, grads + first);
    });
    if (!is_expanded) continue;
    SumExpandedExamples(arguments.input_shapes[i], output, arguments.batch, grads, grad_input,
                        *arguments.workspace);
    free += count;
  }
}

}  // namespace espalier
