// SPDX-License-Identifier: Apache-2.0
#include "layers/softmax.h"

#include <array>

#include "core/checked.h"
#include "core/text.h"
#include "kernels/attention/softmax.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {
namespace {

constexpr std::array<std::string_view, 2> kKinds = {"softmax", "log_softmax"};

// Passes over the elements: the greatest, exponentials, quotients.
constexpr std::int64_t kPasses = 4;

}  // namespace

SoftmaxLayer::SoftmaxLayer(std::string_view kind, const Attributes& attributes)
    : is_logarithm_(kind == kKinds[1]) {
  AttributeReader reader(kind, attributes);
  const std::string axis = reader.Text("axis", "last");
  is_of_channels_ = axis == "channels";
  if (!is_of_channels_ && axis != "last") {
    reader.FailAt("axis", "\"last\" or \"channels\"", axis);
  }
  reader.Finish();
}

std::span<const std::string_view> SoftmaxLayer::Kinds() { return kKinds; }

std::string_view SoftmaxLayer::kind() const { return kKinds[is_logarithm_ ? 1 : 0]; }

Attributes SoftmaxLayer::attributes() const {
  return {{"axis", std::string(is_of_channels_ ? "channels" : "last")}};
}

Shape SoftmaxLayer::OutputShape(std::span<const Shape> inputs) const {
  return OnlyInput(inputs, kind());
}

std::int64_t SoftmaxLayer::Work(std::span<const Shape> inputs) const {
  return SaturatedMultiply(ElementWork(inputs, OutputShape(inputs)), kPasses);
}

LayerMemory SoftmaxLayer::Memory(std::int64_t /*batch*/, std::span<const Shape> /*inputs*/,
                                 const LayerUse& /*use*/) const {
  return {.reads_output = true};
}

std::int64_t SoftmaxLayer::Columns(const Shape& shape) const {
  return is_of_channels_ ? shape[0] : shape[shape.rank() - 1];
}

void SoftmaxLayer::Forward(const ForwardArguments& arguments) const {
  const std::int64_t columns = Columns(arguments.output_shape);
  const std::int64_t rows = arguments.batch * (arguments.output_shape.element_count() / columns);
  ForRows(*arguments.workspace, rows, columns, [&](std::int64_t first, std::int64_t last) {
    const float* const x = arguments.inputs[0] + first * columns;
    float* const y = arguments.output + first * columns;
    if (is_logarithm_) {
      LogSoftmax(x, last - first, columns, y);
    } else {
      Softmax(x, last - first, columns, columns, columns, y);
    }
  });
}

void SoftmaxLayer::Backward(const BackwardArguments& arguments) const {
  float* const grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const std::int64_t columns = Columns(arguments.output_shape);
  const std::int64_t rows = arguments.batch * (arguments.output_shape.element_count() / columns);
  const auto backward = is_logarithm_ ? LogSoftmaxBackward : SoftmaxBackward;
  ForRows(*arguments.workspace, rows, columns, [&](std::int64_t first, std::int64_t last) {
    const std::int64_t at = first * columns;
    backward(arguments.output + at, arguments.grad_output + at, last - first, columns,
             grad_input + at);
  });
}

}  // namespace espalier
