// SPDX-License-Identifier: Apache-2.0
#include "layers/unary.h"

#include <algorithm>
#include <array>

#include "core/text.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {
namespace {

// In the order of Unary.
constexpr std::array<std::string_view, 7> kKinds = {"exp", "log", "sqrt",      "abs",
                                                    "neg", "erf", "reciprocal"};
static_assert(static_cast<std::size_t>(Unary::kReciprocal) + 1 == kKinds.size());

}  // namespace

UnaryLayer::UnaryLayer(std::string_view kind, const Attributes& attributes) {
  const auto found = std::find(kKinds.begin(), kKinds.end(), kind);
  if (found == kKinds.end()) {
    Fail(ErrorCode::kInternal, "expected a kind of elementary function, got ", kind);
  }
  function_ = static_cast<Unary>(found - kKinds.begin());
  AttributeReader(kind, attributes).Finish();
}

std::span<const std::string_view> UnaryLayer::Kinds() { return kKinds; }

std::string_view UnaryLayer::kind() const { return kKinds[static_cast<std::size_t>(function_)]; }

Shape UnaryLayer::OutputShape(std::span<const Shape> inputs) const {
  return OnlyInput(inputs, kind());
}

std::int64_t UnaryLayer::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

LayerMemory UnaryLayer::Memory(std::int64_t /*batch*/, std::span<const Shape> /*inputs*/,
                               const LayerUse& /*use*/) const {
  return {.reads_inputs = ReadsArgument(function_), .reads_output = ReadsResult(function_)};
}

void UnaryLayer::Forward(const ForwardArguments& arguments) const {
  const std::int64_t count = arguments.batch * arguments.output_shape.element_count();
  ForElements(*arguments.workspace, count, [&](std::int64_t first, std::int64_t last) {
    UnaryForward(function_, arguments.inputs[0] + first, last - first, arguments.output + first);
  });
}

void UnaryLayer::Backward(const BackwardArguments& arguments) const {
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const std::int64_t count = arguments.batch * arguments.output_shape.element_count();
  ForElements(*arguments.workspace, count, [&](std::int64_t first, std::int64_t last) {
    UnaryBackward(function_, arguments.inputs[0] + first, arguments.output + first,
                  arguments.grad_output + first, last - first, grad_input + first);
  });
}

}  // namespace espalier
