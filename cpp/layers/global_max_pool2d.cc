// SPDX-License-Identifier: Apache-2.0
#include "layers/global_max_pool2d.h"

#include "core/checked.h"
#include "core/text.h"
#include "kernels/reductions/axis_reduction.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {
namespace {

constexpr std::int64_t kMaxPlane = std::int64_t{1} << 31;  // places of maxima have 32 bits

// One window, which is the image.
PoolingGeometry WholeImage(const Shape& image) {
  return {.channels = image[0],
          .height = image[1],
          .width = image[2],
          .output_height = 1,
          .output_width = 1,
          .window_height = image[1],
          .window_width = image[2],
          .stride_height = 1,
          .stride_width = 1,
          .pad_top = 0,
          .pad_left = 0,
          .counts_padding = false};
}

}  // namespace

GlobalMaxPool2d::GlobalMaxPool2d(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  keeps_dimensions_ = reader.Flag("keep_dimensions", false);
  reader.Finish();
}

Shape GlobalMaxPool2d::OutputShape(std::span<const Shape> inputs) const {
  const Shape& image = ImageInput(inputs, kKind);
  if (image[1] * image[2] > kMaxPlane) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected at most ", kMaxPlane,
         " elements in a channel, got ", image[1] * image[2]);
  }
  return keeps_dimensions_ ? Shape::Image(image[0], 1, 1) : Shape::Vector(image[0]);
}

std::int64_t GlobalMaxPool2d::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

// Saved: for each output which element was the maximum.
LayerMemory GlobalMaxPool2d::Memory(std::int64_t batch, std::span<const Shape> inputs,
                                    const LayerUse& use) const {
  if (!use.grad_inputs) return {};
  const Shape& image = ImageInput(inputs, kKind);
  constexpr std::int64_t kFloatBytes = sizeof(float);
  const std::int64_t bytes =
      CheckedMultiply(CheckedMultiply(batch, image[0]), MaxPoolPlaceBytes(WholeImage(image)));
  return {.saved = (bytes + kFloatBytes - 1) / kFloatBytes};
}

void GlobalMaxPool2d::Forward(const ForwardArguments& arguments) const {
  const Shape& image = arguments.input_shapes[0];
  ForRows(*arguments.workspace, arguments.batch, image.element_count(),
          [&](std::int64_t first, std::int64_t last) {
            if (arguments.saved != nullptr) {
              MaxPool(WholeImage(image), first, last, arguments.inputs[0], arguments.output,
                      arguments.saved);
              return;
            }
            const std::int64_t floats = image.element_count();
            const ReductionRows rows = {.size = image[1] * image[2], .inner = image[0]};
            for (std::int64_t i = first; i < last; ++i) {
              ReduceRows(Reduction::kMax, rows, arguments.inputs[0] + i * floats,
                         arguments.output + i * image[0]);
            }
          });
}

void GlobalMaxPool2d::Backward(const BackwardArguments& arguments) const {
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const Shape& image = arguments.input_shapes[0];
  ForRows(*arguments.workspace, arguments.batch * image[1], image[2] * image[0],
          [&](std::int64_t first, std::int64_t last) {
            MaxPoolBackward(WholeImage(image), first, last, arguments.grad_output, arguments.saved,
                            grad_input);
          });
}

}  // namespace espalier
