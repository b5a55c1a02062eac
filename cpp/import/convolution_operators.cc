// SPDX-License-Identifier: Apache-2.0

// Convolutions of images and sequences. ONNX's weights lie as those of the layers do.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/operators.h"
#include "import/window_attributes.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

std::int64_t Groups(const ForeignNode& node) {
  const std::int64_t groups = node.Integer("group", 1);
  if (groups < 1 || groups > INT32_MAX) Refuse("group: expected at least 1, got ", groups);
  return groups;
}

// The sizes of the kernel, from the weights' dimensions.
Integers KernelOf(const ForeignDimensions& weight, std::size_t rank) {
  if (weight.size() != rank + 2) {
    Refuse("expected weights of ", rank + 2, " dimensions, got ", ToString(weight));
  }
  Integers kernel;
  for (std::size_t i = 2; i < weight.size(); ++i) {
    if (!weight[i].is_fixed() || weight[i].size < 1 || weight[i].size > INT32_MAX) {
      Refuse("expected a kernel of known size, got ", ToString(weight));
    }
    kernel.push_back(weight[i].size);
  }
  return kernel;
}

ForeignDimensions ImageDimensions(const ForeignDimension& batch, const ForeignDimension& channels,
                                  const Integers& sizes) {
  ForeignDimensions dimensions = {batch, channels};
  for (const std::int64_t size : sizes) dimensions.push_back(ForeignDimension::Fixed(size));
  return dimensions;
}

void InferConv(NodeFacts& facts) {
  const ForeignDimensions& x = facts.Dimensions(0);
  const ForeignDimensions& weight = facts.Dimensions(1);
  const Integers image = ImageSizes(x);
  const WindowAttributes window = ReadWindow(facts.node(), image, KernelOf(weight, image.size()));
  facts.SetOutput(0, facts.Type(0), ImageDimensions(x[0], weight[0], window.output));
}

// Of a convolution with this kernel.
Attributes WindowSettings(const Integers& kernel, const Integers& strides,
                          const Integers& dilations) {
  if (kernel.size() == 1) {
    return {{"kernel", kernel[0]}, {"stride", strides[0]}, {"dilation", dilations[0]}};
  }
  return {{"kernel", kernel}, {"stride", strides}, {"dilation", dilations}};
}

void SetWeights(NodeLowering& node, const LoweredValue& layer) {
  node.SetParameter(layer, "weight", node.RequiredConstant(1, "weight"));
  if (node.HasInput(2)) node.SetParameter(layer, "bias", node.RequiredConstant(2, "bias"));
}

void LowerConv(NodeLowering& node) {
  node.ExpectBatchFirst(0);
  const ForeignTensor& weight = node.RequiredConstant(1, "weight");
  node.NameAfter(1);
  const Integers image = ImageSizes(node.Dimensions(0));
  const Integers kernel(weight.dimensions().begin() + 2, weight.dimensions().end());
  const WindowAttributes window = ReadWindow(node.node(), image, kernel);
  const std::int64_t groups = Groups(node.node());
  const std::int64_t channels = weight.dimensions()[0];
  const LoweredValue x = node.Data(0);
  Attributes attributes = WindowSettings(kernel, window.strides, window.dilations);
  attributes["padding"] = PaddingAttribute(window.pads_before, window.pads_after);
  attributes["bias"] = node.HasInput(2);
  std::string kind = image.size() == 1 ? "conv1d" : "conv2d";
  if (image.size() == 2 && groups > 1 && groups == x.shape[0] && channels % groups == 0) {
    kind = "depthwise_conv2d";
    attributes["multiplier"] = channels / groups;
  } else {
    attributes["channels"] = channels;
    attributes["groups"] = groups;
  }
  const LoweredValue layer = node.Add(kind, std::move(attributes), x);
  SetWeights(node, layer);
  node.SetOutput(0, layer);
}

// (n - 1) * stride + dilation * (kernel - 1) + 1 + output padding - padding.
struct TransposedWindow {
  Integers kernel;
  Integers strides;
  Integers dilations;
  Integers output_padding;
  Integers pads_before;
  Integers pads_after;
  Integers output;
};

TransposedWindow ReadTransposedWindow(const ForeignNode& node, const Integers& image,
                                      const Integers& kernel) {
  const std::size_t rank = image.size();
  const std::string auto_pad = node.Text("auto_pad", "NOTSET");
  const bool is_same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  const Integers pads = ImageAttribute(node, "pads", 2 * rank, 0, 0);
  Integers wanted = node.Integers("output_shape");
  if (wanted.size() > rank) wanted.erase(wanted.begin(), wanted.end() - static_cast<int>(rank));
  if (!wanted.empty() && wanted.size() != rank) {
    Refuse("output_shape: expected ", rank, " numbers, got ", wanted.size());
  }
  TransposedWindow window{.kernel = kernel,
                          .strides = ImageAttribute(node, "strides", rank, 1, 1),
                          .dilations = ImageAttribute(node, "dilations", rank, 1, 1),
                          .output_padding = ImageAttribute(node, "output_padding", rank, 0, 0)};
  for (std::size_t i = 0; i < rank; ++i) {
    std::int64_t whole = (image[i] - 1) * window.strides[i] +
                         (kernel[i] - 1) * window.dilations[i] + 1 + window.output_padding[i];
    std::int64_t before = auto_pad == "VALID" ? 0 : pads[i];
    std::int64_t after = auto_pad == "VALID" ? 0 : pads[rank + i];
    if (is_same || !wanted.empty()) {
      const std::int64_t size = wanted.empty() ? image[i] * window.strides[i] : wanted[i];
      if (size < 1 || size > INT32_MAX) {
        Refuse("output_shape: expected 1 to ", INT32_MAX, ", got ", size);
      }
      const std::int64_t missing = std::max<std::int64_t>(0, size - whole);
      window.output_padding[i] += missing;
      whole += missing;
      const std::int64_t total = whole - size;
      before = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      after = total - before;
    }
    window.pads_before.push_back(before);
    window.pads_after.push_back(after);
    window.output.push_back(whole - before - after);
  }
  return window;
}

void InferConvTranspose(NodeFacts& facts) {
  const ForeignDimensions& x = facts.Dimensions(0);
  const ForeignDimensions& weight = facts.Dimensions(1);
  const Integers image = ImageSizes(x);
  const TransposedWindow window =
      ReadTransposedWindow(facts.node(), image, KernelOf(weight, image.size()));
  if (!weight[1].is_fixed() || weight[1].size > INT32_MAX) {
    Refuse("expected weights of known size, got ", ToString(weight));
  }
  const auto channels = ForeignDimension::Fixed(weight[1].size * Groups(facts.node()));
  facts.SetOutput(0, facts.Type(0), ImageDimensions(x[0], channels, window.output));
}

// Sequences are images one row high.
void LowerConvTranspose(NodeLowering& node) {
  node.ExpectBatchFirst(0);
  const ForeignTensor& weight = node.RequiredConstant(1, "weight");
  node.NameAfter(1);
  const Integers image = ImageSizes(node.Dimensions(0));
  const Integers kernel(weight.dimensions().begin() + 2, weight.dimensions().end());
  TransposedWindow window = ReadTransposedWindow(node.node(), image, kernel);
  const bool is_sequence = image.size() == 1;
  LoweredValue x = node.Data(0);
  if (is_sequence) {
    x = node.Add("unsqueeze", {{"axes", Integers{1}}}, x, "row");
    for (Integers* one : {&window.kernel, &window.strides, &window.dilations}) {
      one->insert(one->begin(), 1);
    }
    for (Integers* none : {&window.output_padding, &window.pads_before, &window.pads_after}) {
      none->insert(none->begin(), 0);
    }
  }
  const std::int64_t groups = Groups(node.node());
  Attributes attributes = WindowSettings(window.kernel, window.strides, window.dilations);
  attributes["padding"] = PaddingAttribute(window.pads_before, window.pads_after);
  attributes["output_padding"] = window.output_padding;
  attributes["channels"] = weight.dimensions()[1] * groups;
  attributes["groups"] = groups;
  attributes["bias"] = node.HasInput(2);
  const LoweredValue layer = node.Add("conv_transpose2d", std::move(attributes), x);
  SetWeights(node, layer);
  node.SetOutput(
      0, is_sequence ? node.Add("squeeze", {{"axes", Integers{1}}}, layer, "sequence") : layer);
}

constexpr ForeignOperator kOperators[] = {
    {.kind = "Conv", .infer = InferConv, .lower = LowerConv},
    {.kind = "ConvTranspose", .infer = InferConvTranspose, .lower = LowerConvTranspose},
};

}  // namespace

std::span<const ForeignOperator> ConvolutionOperators() { return kOperators; }

}  // namespace espalier
