// SPDX-License-Identifier: Apache-2.0
#include "layers/dropout.h"

#include <cstring>

#include "core/checked.h"
#include "kernels/dropout.h"
#include "kernels/elementwise.h"
#include "layers/partition.h"
#include "layers/window.h"

namespace espalier {

Dropout::Dropout(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  rate_ = reader.Real("rate", 0.0, 0.999, 0.5);
  reader.Finish();
}

Shape Dropout::OutputShape(std::span<const Shape> inputs) const { return OnlyInput(inputs, kKind); }

// Saved: what each element was multiplied by.
LayerMemory Dropout::Memory(std::int64_t batch, std::span<const Shape> inputs,
                            const LayerUse& /*use*/) const {
  return {.saved = CheckedMultiply(batch, OnlyInput(inputs, kKind).element_count())};
}

void Dropout::Forward(const ForwardArguments& arguments) const {
  const float* x = arguments.inputs[0];
  float* y = arguments.output;
  const std::int64_t count = arguments.batch * arguments.output_shape.element_count();
  ForElements(*arguments.workspace, count, [&](std::int64_t first, std::int64_t last) {
    if (arguments.mode == Mode::kEvaluation) {
      std::memcpy(y + first, x + first, static_cast<std::size_t>(last - first) * sizeof(float));
      return;
    }
    float* factors = arguments.saved + first;
    static_assert(kTaskElements % 4 == 0);  // DropoutFactors' blocks
    DropoutFactors(arguments.random, rate_, first, last, factors);
    MultiplySelected(x + first, factors, last - first, y + first);
  });
}

void Dropout::Backward(const BackwardArguments& arguments) const {
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const float* grad = arguments.grad_output;
  const std::int64_t count = arguments.batch * arguments.output_shape.element_count();
  ForElements(*arguments.workspace, count, [&](std::int64_t first, std::int64_t last) {
    if (arguments.mode == Mode::kEvaluation) {
      std::memcpy(grad_input + first, grad + first,
                  static_cast<std::size_t>(last - first) * sizeof(float));
    } else {
      MultiplySelected(grad + first, arguments.saved + first, last - first, grad_input + first);
    }
  });
}

}  // namespace espalier
