// SPDX-License-Identifier: Apache-2.0
#pragma once

// Graphs that people know, with torchvision's shapes: for tests of building, fusion and
// freezing on real architectures. Sizes can be scaled down where a test computes.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "espalier/builder.h"
#include "testing/layer_spec.h"

namespace espalier::testing {

class KnownNetworkBuilder {
 public:
  explicit KnownNetworkBuilder(Shape input) : builder_(input) {}

  /// Convolution without bias, padding (kernel - 1) / 2, then batch norm, then `activation`
  /// unless empty. Returns the last layer's name.
  std::string ConvNorm(const std::string& name, const std::string& from, std::int64_t channels,
                       std::int64_t kernel, std::int64_t stride, const std::string& activation) {
    return Finish(Spec("conv2d",
                       {{"channels", channels},
                        {"kernel", kernel},
                        {"stride", stride},
                        {"padding", std::vector<std::int64_t>{(kernel - 1) / 2}},
                        {"bias", false}},
                       name, {from}),
                  activation);
  }

  std::string DepthwiseNorm(const std::string& name, const std::string& from, std::int64_t stride,
                            const std::string& activation) {
    return Finish(Spec("depthwise_conv2d",
                       {{"kernel", std::int64_t{3}},
                        {"stride", stride},
                        {"padding", std::vector<std::int64_t>{1}},
                        {"bias", false}},
                       name, {from}),
                  activation);
  }

  std::string Layer(LayerSpec layer) {
    std::string name = layer.name;
    builder_.Layer(std::move(layer));
    return name;
  }

  NetworkBuilder& builder() { return builder_; }

 private:
  std::string Finish(LayerSpec convolution, const std::string& activation) {
    const std::string name = Layer(std::move(convolution));
    const std::string norm = Layer(Spec("batch_norm", name + ".bn", {name}));
    return activation.empty() ? norm : Layer(Spec(activation, name + "." + activation, {norm}));
  }

  NetworkBuilder builder_;
};

/// He et al. 2015, arXiv:1512.03385: 11,689,512 parameters with 1000 classes and width 64.
inline NetworkSpec ResNet18(Shape input = Shape::Image(3, 224, 224), std::int64_t classes = 1000,
                            std::int64_t width = 64) {
  KnownNetworkBuilder net(input);
  net.ConvNorm("conv1", "input", width, 7, 2, "relu");
  std::string last = net.Layer(Spec("max_pool2d",
                                    {{"window", std::int64_t{3}},
                                     {"stride", std::int64_t{2}},
                                     {"padding", std::vector<std::int64_t>{1}}},
                                    "maxpool", {"conv1.relu"}));
  for (int stage = 1; stage <= 4; ++stage) {
    const std::int64_t channels = width << (stage - 1);
    for (int block = 0; block < 2; ++block) {
      const std::string name = "layer" + std::to_string(stage) + "." + std::to_string(block);
      const std::int64_t stride = stage > 1 && block == 0 ? 2 : 1;
      net.ConvNorm(name + ".conv1", last, channels, 3, stride, "relu");
      const std::string deep =
          net.ConvNorm(name + ".conv2", name + ".conv1.relu", channels, 3, 1, "");
      const std::string shortcut =
          stride == 2 ? net.ConvNorm(name + ".downsample", last, channels, 1, 2, "") : last;
      net.Layer(Spec("add", name + ".add", {deep, shortcut}));
      last = net.Layer(Spec("relu", name + ".relu", {name + ".add"}));
    }
  }
  net.Layer(Spec("global_average_pool2d", "avgpool", {last}));
  net.builder().Head("classes", ClassesTask(classes));
  return net.builder().spec();
}

/// Sandler et al. 2018, arXiv:1801.04381: 3,504,872 parameters with 1000 classes, divisor 1.
/// `divisor` divides all widths.
inline NetworkSpec MobileNetV2(Shape input = Shape::Image(3, 224, 224), std::int64_t classes = 1000,
                               std::int64_t divisor = 1) {
  struct Stage {
    std::int64_t expansion, channels, blocks, stride;
  };
  const Stage stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                          {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  KnownNetworkBuilder net(input);
  std::int64_t channels = 32 / divisor;
  std::string last = net.ConvNorm("features.0", "input", channels, 3, 2, "relu6");
  int index = 1;
  for (const Stage& stage : stages) {
    for (std::int64_t block = 0; block < stage.blocks; ++block) {
      const std::string name = "features." + std::to_string(index++);
      const std::int64_t stride = block == 0 ? stage.stride : 1;
      const std::int64_t output = stage.channels / divisor;
      std::string inner = last;
      if (stage.expansion != 1) {
        inner = net.ConvNorm(name + ".expand", inner, channels * stage.expansion, 1, 1, "relu6");
      }
      inner = net.DepthwiseNorm(name + ".depthwise", inner, stride, "relu6");
      inner = net.ConvNorm(name + ".project", inner, output, 1, 1, "");
      last = stride == 1 && output == channels
                 ? net.Layer(Spec("add", name + ".add", {last, inner}))
                 : inner;
      channels = output;
    }
  }
  last = net.ConvNorm("features.18", last, 1280 / divisor, 1, 1, "relu6");
  net.Layer(Spec("global_average_pool2d", "avgpool", {last}));
  net.builder().Dropout(0.2);
  net.builder().Head("classes", ClassesTask(classes));
  return net.builder().spec();
}

}  // namespace espalier::testing
