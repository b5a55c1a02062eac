// SPDX-License-Identifier: Apache-2.0
#include "layers/activations.h"

#include <algorithm>
#include <array>

#include "core/text.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {
namespace {

// From kRelu on.
constexpr auto kKinds = [] {
  std::array<std::string_view, kActivations.size() - 1> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kActivations[i + 1].name;
  return names;
}();

constexpr double kMostSlope = 1000.0;

}  // namespace

ActivationLayer::ActivationLayer(std::string_view kind, const Attributes& attributes) {
  const auto found = std::find(kKinds.begin(), kKinds.end(), kind);
  if (found == kKinds.end()) {
    Fail(ErrorCode::kInternal, "expected a kind of activation, got ", kind);
  }
  activation_ = static_cast<Activation>(found - kKinds.begin() + 1);
  AttributeReader reader(kind, attributes);
  if (activation_ == Activation::kLeakyRelu) slope_ = reader.Real("slope", 0.0, kMostSlope, 0.01);
  if (activation_ == Activation::kElu) slope_ = reader.Real("alpha", 0.0, kMostSlope, 1.0);
  reader.Finish();
}

std::span<const std::string_view> ActivationLayer::Kinds() { return kKinds; }

std::string_view ActivationLayer::kind() const { return KindOf(activation_).name; }

Attributes ActivationLayer::attributes() const {
  if (activation_ == Activation::kLeakyRelu) return {{"slope", slope_}};
  if (activation_ == Activation::kElu) return {{"alpha", slope_}};
  return {};
}

Shape ActivationLayer::OutputShape(std::span<const Shape> inputs) const {
  return OnlyInput(inputs, kind());
}

std::int64_t ActivationLayer::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

LayerMemory ActivationLayer::Memory(std::int64_t /*batch*/, std::span<const Shape> /*inputs*/,
                                    const LayerUse& /*use*/) const {
  const bool reads_output = HasGradientByResult(activation_);
  return {.reads_inputs = !reads_output, .reads_output = reads_output};
}

void ActivationLayer::Forward(const ForwardArguments& arguments) const {
  const std::int64_t count = arguments.batch * arguments.output_shape.element_count();
  ForElements(*arguments.workspace, count, [&](std::int64_t first, std::int64_t last) {
    ActivationForward(activation_, slope(), arguments.inputs[0] + first, last - first,
                      arguments.output + first);
  });
}

void ActivationLayer::Backward(const BackwardArguments& arguments) const {
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const std::int64_t count = arguments.batch * arguments.output_shape.element_count();
  ForElements(*arguments.workspace, count, [&](std::int64_t first, std::int64_t last) {
    ActivationBackward(activation_, slope(), arguments.inputs[0] + first, arguments.output + first,
                       arguments.grad_output + first, last - first, grad_input + first);
  });
}

}  // namespace espalier
