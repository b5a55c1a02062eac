// SPDX-License-Identifier: Apache-2.0
#include "layers/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/checked.h"
#include "core/text.h"
#include "kernels/copies/interpolation.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {
namespace {

constexpr const char* kCornerNames[] = {"half_pixel", "align_corners", "asymmetric"};
constexpr double kMostScale = 1024.0;

// Four passes over the output, and finding the places of its columns.
constexpr std::int64_t kPasses = 4;

constexpr std::int64_t kSampleFloats = sizeof(AxisSample) / sizeof(float);
static_assert(sizeof(AxisSample) % sizeof(float) == 0);

}  // namespace

struct Resize::Axis {
  std::int64_t input;
  std::int64_t output;
  double step;  // of the input, for one of the output
  Corners corners;
  bool is_bilinear;

  AxisSample At(std::int64_t i) const { return is_bilinear ? Between(i) : Nearest(i); }

  AxisSample Between(std::int64_t i) const {
    const double center = corners == Corners::kHalfPixel ? 0.5 : 0.0;
    const double at = std::max(0.0, (static_cast<double>(i) + center) * step - center);
    const std::int64_t low = std::min(static_cast<std::int64_t>(at), input - 1);
    return {.low = low,
            .step = low + 1 < input ? 1 : 0,
            .weight = static_cast<float>(std::min(1.0, at - static_cast<double>(low)))};
  }

  // In float, as PyTorch, which decides between two pixels that are equally near.
  AxisSample Nearest(std::int64_t i) const {
    const float before = corners == Corners::kHalfPixel ? 0.5f : 0.0f;
    const float after = corners == Corners::kAlignCorners ? 0.5f : 0.0f;
    const float at = (static_cast<float>(i) + before) * static_cast<float>(step) + after;
    return {.low = std::min(static_cast<std::int64_t>(at), input - 1), .step = 0, .weight = 0.0f};
  }

  // Of all outputs, in a worker's scratch.
  const AxisSample* Samples(float* scratch) const {
    for (std::int64_t i = 0; i < output; ++i) {
      const AxisSample sample = At(i);
      std::memcpy(scratch + i * kSampleFloats, &sample, sizeof(sample));
    }
    return reinterpret_cast<const AxisSample*>(scratch);
  }
};

Resize::Resize(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  constexpr std::array<std::int64_t, 2> kNone = {0, 0};
  const double scale = reader.Real("scale", 1.0 / kMostScale, kMostScale, 0.0);
  size_ = reader.Pair("size", 1, kMaxUnits, kNone);
  has_size_ = size_ != kNone;
  const std::string mode = reader.Text("mode", "nearest");
  is_bilinear_ = mode == "bilinear";
  if (!is_bilinear_ && mode != "nearest") {
    reader.FailAt("mode", "\"nearest\" or \"bilinear\"", mode);
  }
  const std::string corners = reader.Text(
      "corners",
      kCornerNames[static_cast<int>(is_bilinear_ ? Corners::kHalfPixel : Corners::kAsymmetric)]);
  const auto* const found = std::find(std::begin(kCornerNames), std::end(kCornerNames), corners);
  if (found == std::end(kCornerNames)) {
    reader.FailAt("corners", "\"half_pixel\", \"align_corners\" or \"asymmetric\"", corners);
  }
  corners_ = static_cast<Corners>(found - std::begin(kCornerNames));
  reader.Finish();
  if (has_size_ == (scale != 0.0)) {
    Fail(ErrorCode::kInvalidArgument, kKind, ": expected size or scale, got ",
         has_size_ ? "both" : "neither");
  }
  if (!has_size_) scale_ = scale;
}

Attributes Resize::attributes() const {
  Attributes result = {{"mode", is_bilinear_ ? "bilinear" : "nearest"},
                       {"corners", kCornerNames[static_cast<int>(corners_)]}};
  if (has_size_) {
    result["size"] = std::vector<std::int64_t>(size_.begin(), size_.end());
  } else {
    result["scale"] = scale_;
  }
  return result;
}

Shape Resize::OutputShape(std::span<const Shape> inputs) const {
  const Shape& image = ImageInput(inputs, kKind);
  if (has_size_) return Shape::Image(image[0], size_[0], size_[1]);
  // At most 2^40 · 2^10, which a double holds.
  const auto scaled = [&](int axis) {
    const auto size = static_cast<std::int64_t>(static_cast<double>(image[axis]) * scale_);
    if (size < 1) {
      Fail(ErrorCode::kShapeMismatch, kKind, ": expected a ", axis == 1 ? "height" : "width",
           " of at least ", 1.0 / scale_, ", got ", image[axis]);
    }
    return size;
  };
  return Shape::Image(image[0], scaled(1), scaled(2));
}

std::int64_t Resize::Work(std::span<const Shape> inputs) const {
  return SaturatedMultiply(ElementWork(inputs, OutputShape(inputs)), kPasses);
}

Resize::Axis Resize::AxisOf(const Shape& input, const Shape& output, int axis) const {
  Axis result = {.input = input[axis],
                 .output = output[axis],
                 .step = 1.0 / scale_,
                 .corners = corners_,
                 .is_bilinear = is_bilinear_};
  if (corners_ == Corners::kAlignCorners) {
    result.step = result.output == 1 ? 0.0
                                     : static_cast<double>(result.input - 1) /
                                           static_cast<double>(result.output - 1);
  } else if (has_size_) {
    result.step = static_cast<double>(result.input) / static_cast<double>(result.output);
  }
  return result;
}

std::int64_t Resize::ScratchFloats(std::int64_t /*batch*/, std::span<const Shape> inputs) const {
  return kSampleFloats * OutputShape(inputs)[2];
}

namespace {

SampledRow RowAt(const Shape& input, const Shape& output, const AxisSample& row,
                 const AxisSample* columns) {
  const std::int64_t stride = input[2] * input[0];
  return {.channels = input[0],
          .width = output[2],
          .columns = columns,
          .row = {.low_row = row.low * stride,
                  .high_row = (row.low + row.step) * stride,
                  .weight = row.weight}};
}

}  // namespace

void Resize::Forward(const ForwardArguments& arguments) const {
  const Shape& input = arguments.input_shapes[0];
  const Shape& output = arguments.output_shape;
  const Axis rows = AxisOf(input, output, 1);
  const Axis columns = AxisOf(input, output, 2);
  const std::int64_t row_floats = output[2] * output[0];
  const std::int64_t run = std::max<std::int64_t>(1, kTaskElements / row_floats);
  const std::int64_t count = arguments.batch * rows.output;
  const auto sample = is_bilinear_ ? InterpolateRow : PickRow;
  arguments.workspace->ParallelFor(
      (count + run - 1) / run, [&](std::int64_t task, std::span<float> scratch) {
        const AxisSample* samples = columns.Samples(scratch.data());
        for (std::int64_t r = task * run; r < std::min(count, (task + 1) * run); ++r) {
          const float* x = arguments.inputs[0] + r / rows.output * input.element_count();
          float* y = arguments.output + r * row_floats;
          const SampledRow row = RowAt(input, output, rows.At(r % rows.output), samples);
          sample(row, x, y);
        }
      });
}

// An example's gradient is added up by one worker, from the first output to the last.
void Resize::Backward(const BackwardArguments& arguments) const {
  float* const grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  const Shape& input = arguments.input_shapes[0];
  const Shape& output = arguments.output_shape;
  const Axis rows = AxisOf(input, output, 1);
  const Axis columns = AxisOf(input, output, 2);
  const std::int64_t row_floats = output[2] * output[0];
  const auto add = is_bilinear_ ? InterpolateRowBackward : PickRowBackward;
  ForExamples(*arguments.workspace, arguments.batch,
              std::max(input.element_count(), output.element_count()),
              [&](std::int64_t example, float* scratch) {
                const AxisSample* samples = columns.Samples(scratch);
                float* const to = grad_input + example * input.element_count();
                std::fill_n(to, input.element_count(), 0.0f);
                const float* from = arguments.grad_output + example * output.element_count();
                for (std::int64_t r = 0; r < rows.output; ++r, from += row_floats) {
                  const SampledRow row = RowAt(input, output, rows.At(r), samples);
                  add(row, from, to);
                }
              });
}

}  // namespace espalier
