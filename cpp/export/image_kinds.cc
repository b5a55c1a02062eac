// SPDX-License-Identifier: Apache-2.0

// Windows over images and sequences, and other sizes of images.

#include <algorithm>
#include <array>
#include <cmath>

#include "export/layer_export.h"
#include "layers/conv1d.h"
#include "layers/conv_transpose2d.h"
#include "layers/convolution.h"
#include "layers/pooling.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

// Windows along an axis, from `before` the first element on.
struct Axis {
  std::int64_t input, output, size, stride, dilation, before;

  std::int64_t extent() const { return (size - 1) * dilation + 1; }
  // Elements that the last window needs behind the last one.
  std::int64_t after() const { return (output - 1) * stride + extent() - input - before; }
};

OnnxAttributes WindowAttributes(std::span<const Axis> axes) {
  Integers sizes, strides, pads, ends;
  for (const Axis& axis : axes) {
    sizes.push_back(axis.size);
    strides.push_back(axis.stride);
    pads.push_back(axis.before);
    ends.push_back(std::max<std::int64_t>(0, axis.after()));
  }
  pads.insert(pads.end(), ends.begin(), ends.end());
  return {{"kernel_shape", sizes}, {"strides", strides}, {"pads", pads}};
}

void AddDilations(std::span<const Axis> axes, OnnxAttributes& attributes) {
  Integers dilations;
  for (const Axis& axis : axes) dilations.push_back(axis.dilation);
  attributes.emplace_back("dilations", dilations);
}

// Of images of height and width.
std::array<Axis, 2> AxesOf(const ConvolutionGeometry& g) {
  return {Axis{.input = g.height,
               .output = g.output_height,
               .size = g.kernel_height,
               .stride = g.stride_height,
               .dilation = g.dilation_height,
               .before = g.pad_top},
          Axis{.input = g.width,
               .output = g.output_width,
               .size = g.kernel_width,
               .stride = g.stride_width,
               .dilation = g.dilation_width,
               .before = g.pad_left}};
}

std::vector<std::string> WithParameters(LayerExport& layer) {
  std::vector<std::string> inputs = {layer.Input(), layer.Weights()};
  if (layer.HasParameter(1)) inputs.push_back(layer.Parameter(1));
  return inputs;
}

void WriteConvolution(LayerExport& layer, std::span<const Axis> axes, std::int64_t groups) {
  OnnxAttributes attributes = WindowAttributes(axes);
  AddDilations(axes, attributes);
  attributes.emplace_back("group", groups);
  layer.Result("Conv", WithParameters(layer), attributes);
}

void WriteConv2d(LayerExport& layer) {
  const ConvolutionGeometry geometry =
      static_cast<const Convolution&>(*layer.layer().layer).Geometry(layer.layer().input_shapes);
  WriteConvolution(layer, AxesOf(geometry), geometry.groups);
}

void WriteConv1d(LayerExport& layer) {
  const Shape image = Conv1d::ImageOf(layer.layer().input_shapes);
  const ConvolutionGeometry geometry =
      static_cast<const Conv1d&>(*layer.layer().layer).image_convolution().Geometry({&image, 1});
  const std::array<Axis, 2> axes = AxesOf(geometry);
  WriteConvolution(layer, std::span(axes).last(1), geometry.groups);
}

// The convolution from the output to the input, whose windows may end before the output does, or
// behind it.
void WriteConvTranspose2d(LayerExport& layer) {
  const ConvolutionGeometry geometry = static_cast<const ConvTranspose2d&>(*layer.layer().layer)
                                           .Geometry(layer.layer().input_shapes);
  const std::array<Axis, 2> axes = AxesOf(geometry);
  OnnxAttributes attributes = WindowAttributes(axes);
  AddDilations(axes, attributes);
  attributes.emplace_back("group", geometry.groups);
  Integers added;
  for (const Axis& axis : axes) added.push_back(std::max<std::int64_t>(0, -axis.after()));
  attributes.emplace_back("output_padding", added);
  layer.Result("ConvTranspose", WithParameters(layer), attributes);
}

void WritePooling(LayerExport& layer) {
  const PoolingGeometry g =
      static_cast<const Pooling&>(*layer.layer().layer).Geometry(layer.layer().input_shapes);
  const std::array<Axis, 2> axes = {Axis{.input = g.height,
                                         .output = g.output_height,
                                         .size = g.window_height,
                                         .stride = g.stride_height,
                                         .dilation = 1,
                                         .before = g.pad_top},
                                    Axis{.input = g.width,
                                         .output = g.output_width,
                                         .size = g.window_width,
                                         .stride = g.stride_width,
                                         .dilation = 1,
                                         .before = g.pad_left}};
  OnnxAttributes attributes = WindowAttributes(axes);
  if (layer.layer().layer->kind() == "max_pool2d") {
    layer.Result("MaxPool", {layer.Input()}, attributes);
    return;
  }
  attributes.emplace_back("count_include_pad",
                          static_cast<std::int64_t>(layer.Flag("count_include_pad")));
  layer.Result("AveragePool", {layer.Input()}, attributes);
}

void WriteGlobalPooling(LayerExport& layer) {
  const bool is_max = layer.layer().layer->kind() == "global_max_pool2d";
  const char* const operation = is_max ? "GlobalMaxPool" : "GlobalAveragePool";
  if (layer.Flag("keep_dimensions")) {
    layer.Result(operation, {layer.Input()});
    return;
  }
  const std::string image = layer.Node("image", operation, {layer.Input()});
  layer.Result("Flatten", {image}, {{"axis", std::int64_t{1}}});
}

// How many times the input an axis of the output is; 0 if readers would find other sizes by it.
float ScaleOf(const LayerExport& layer, int axis) {
  const std::int64_t input = layer.InputShape()[axis];
  const std::int64_t output = layer.OutputShape()[axis];
  // Where corners lie on corners, sizes alone count, and readers differ in what a scale says of
  // them.
  const bool has_scale = layer.Has("scale") && layer.Text("corners") != "align_corners";
  const double scale =
      has_scale ? layer.Real("scale") : static_cast<double>(output) / static_cast<double>(input);
  const auto size_of = [&](float factor) {  // in float and in double, or -1
    const auto size = static_cast<std::int64_t>(static_cast<float>(input) * factor);
    const double exact = static_cast<double>(input) * static_cast<double>(factor);
    return size == static_cast<std::int64_t>(exact) ? size : -1;
  };
  const float rounded = static_cast<float>(scale);
  for (const float factor : {rounded, std::nextafter(rounded, 2.0f * rounded)}) {
    if (size_of(factor) == output) return factor;
  }
  return 0.0f;
}

void WriteResize(LayerExport& layer) {
  const bool is_bilinear = layer.Text("mode") == "bilinear";
  const std::string& corners = layer.Text("corners");
  OnnxAttributes attributes = {{"mode", std::string(is_bilinear ? "linear" : "nearest")},
                               {"coordinate_transformation_mode", corners}};
  if (!is_bilinear) {
    attributes.emplace_back("nearest_mode",
                            std::string(corners == "asymmetric" ? "floor" : "round_prefer_ceil"));
  }
  const std::array<float, 4> scales = {1.0f, 1.0f, ScaleOf(layer, 1), ScaleOf(layer, 2)};
  // The last bit of a scale would decide between two pixels that are equally near.
  const bool needs_sizes = !is_bilinear && corners == "align_corners";
  if (!needs_sizes && scales[2] > 0.0f && scales[3] > 0.0f) {
    const std::int64_t count = 4;
    layer.Result("Resize", {layer.Input(), "", layer.Floats("scales", {&count, 1}, scales)},
                 attributes);
    return;
  }
  // All four sizes, the batch among them.
  const std::string batch_and_channels =
      layer.Node("batch_and_channels", "Shape", {layer.Input()},
                 {{"start", std::int64_t{0}}, {"end", std::int64_t{2}}});
  const std::string sizes =
      layer.Node("sizes", "Concat",
                 {batch_and_channels,
                  layer.Integers("size", Integers{layer.OutputShape()[1], layer.OutputShape()[2]})},
                 {{"axis", std::int64_t{0}}});
  layer.Result("Resize", {layer.Input(), "", "", sizes}, attributes);
}

}  // namespace

std::span<const KindExport> ImageKinds() {
  static constexpr std::array kKinds = {KindExport{"average_pool2d", WritePooling},
                                        KindExport{"conv1d", WriteConv1d},
                                        KindExport{"conv2d", WriteConv2d},
                                        KindExport{"conv_transpose2d", WriteConvTranspose2d},
                                        KindExport{"depthwise_conv2d", WriteConv2d},
                                        KindExport{"global_average_pool2d", WriteGlobalPooling},
                                        KindExport{"global_max_pool2d", WriteGlobalPooling},
                                        KindExport{"max_pool2d", WritePooling},
                                        KindExport{"resize", WriteResize}};
  return kKinds;
}

}  // namespace espalier
