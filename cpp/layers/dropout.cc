// SPDX-License-Identifier: Apache-2.0
#include "layers/dropout.h"

#include <cstring>

#include "core/checked.h"
#include "kernels/elementwise/dropout.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {

Dropout::Dropout(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  rate_ = reader.Real("rate", 0.0, 0.999, 0.5);
  reader.Finish();
}

Shape Dropout::OutputShape(std::span<const Shape> inputs) const { return OnlyInput(inputs, kKind); }

// Saved: a bit for each element, whether it is kept. To draw the numbers again took 0.4 ns an
// element, to read the bits 0.1 (AVX-512, Zen 5).
LayerMemory Dropout::Memory(std::int64_t batch, std::span<const Shape> inputs,
                            const LayerUse& use) const {
  if (use.mode == Mode::kEvaluation || !use.grad_inputs) return {};
  constexpr std::int64_t kBits = 8 * sizeof(float);
  const std::int64_t count = CheckedMultiply(batch, OnlyInput(inputs, kKind).element_count());
  return {.saved = CheckedAdd(count, kBits - 1) / kBits};
}

std::int64_t Dropout::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

void Dropout::Forward(const ForwardArguments& arguments) const {
  const float* x = arguments.inputs[0];
  float* y = arguments.output;
  auto* const kept = reinterpret_cast<std::uint8_t*>(arguments.saved);
  const std::int64_t count = arguments.batch * arguments.output_shape.element_count();
  ForElements(*arguments.workspace, count, [&](std::int64_t first, std::int64_t last) {
    if (arguments.mode == Mode::kEvaluation) {
      std::memcpy(y + first, x + first, static_cast<std::size_t>(last - first) * sizeof(float));
      return;
    }
    static_assert(kTaskElements % 8 == 0);  // DropoutRange's bytes
    const DropoutRange range{first, last, kept == nullptr ? nullptr : kept + first / 8};
    DropoutForward(arguments.random, rate_, range, x + first, y + first);
  });
}

void Dropout::Backward(const BackwardArguments& arguments) const {
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const float* grad = arguments.grad_output;
  const auto* const kept = reinterpret_cast<const std::uint8_t*>(arguments.saved);
  const std::int64_t count = arguments.batch * arguments.output_shape.element_count();
  ForElements(*arguments.workspace, count, [&](std::int64_t first, std::int64_t last) {
    if (arguments.mode == Mode::kEvaluation) {
      std::memcpy(grad_input + first, grad + first,
                  static_cast<std::size_t>(last - first) * sizeof(float));
    } else {
      DropoutBackward(rate_, last - first, kept + first / 8, grad + first, grad_input + first);
    }
  });
}

}  // namespace espalier
