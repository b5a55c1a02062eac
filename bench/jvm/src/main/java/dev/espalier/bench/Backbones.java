// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import dev.espalier.LayerOptions;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Shape;

/** Networks for images that people adapt, up to their pooled features; shapes as torchvision's. */
final class Backbones {
  private Backbones() {}

  /** ResNet-18: He et al. 2015, arXiv:1512.03385. */
  static NetworkBuilder resNet18(int side) {
    NetworkBuilder builder = Network.builder(Shape.image(3, side, side));
    convolution(builder, "stem", 64, 7, 2, 1).relu("stem.relu");
    builder.maxPool2d("stem.pool", 3, LayerOptions.defaults().stride(2).padding(1));
    String before = "stem.pool";
    int inputChannels = 64;
    for (int stage = 0; stage < 4; stage++) {
      int channels = 64 << stage;
      for (int block = 0; block < 2; block++) {
        String name = "block" + stage + block;
        int stride = stage > 0 && block == 0 ? 2 : 1;
        convolution(builder.from(before), name + ".a", channels, 3, stride, 1).relu(name + ".relu");
        convolution(builder, name + ".b", channels, 3, 1, 1);
        String shortcut = before;
        if (stride != 1 || channels != inputChannels) {
          shortcut = name + ".down.norm";
          convolution(builder.from(before), name + ".down", channels, 1, stride, 1);
        }
        builder.add(name + ".sum", name + ".b.norm", shortcut).relu(name);
        before = name;
        inputChannels = channels;
      }
    }
    return builder.globalAveragePool2d();
  }

  /** MobileNetV2: Sandler et al. 2018, arXiv:1801.04381. */
  static NetworkBuilder mobileNetV2(int side) {
    // Expansion, channels, blocks, stride of the first: table 2.
    int[][] stages = {
      {1, 16, 1, 1},
      {6, 24, 2, 2},
      {6, 32, 3, 2},
      {6, 64, 4, 2},
      {6, 96, 3, 1},
      {6, 160, 3, 2},
      {6, 320, 1, 1}
    };
    NetworkBuilder builder = Network.builder(Shape.image(3, side, side));
    convolution(builder, "stem", 32, 3, 2, 1).relu6("stem.relu");
    String before = "stem.relu";
    int inputChannels = 32;
    for (int stage = 0; stage < stages.length; stage++) {
      for (int block = 0; block < stages[stage][2]; block++) {
        String name = "block" + stage + block;
        final int channels = stages[stage][1];
        int wide = inputChannels * stages[stage][0];
        int stride = block == 0 ? stages[stage][3] : 1;
        builder.from(before);
        if (wide != inputChannels) {
          convolution(builder, name + ".expand", wide, 1, 1, 1).relu6(name + ".expand.relu");
        }
        convolution(builder, name + ".depthwise", wide, 3, stride, wide).relu6(name + ".relu");
        convolution(builder, name + ".project", channels, 1, 1, 1);
        String after = name + ".project.norm";
        if (stride == 1 && channels == inputChannels) {
          builder.add(name + ".sum", after, before);
          after = name + ".sum";
        }
        before = after;
        inputChannels = channels;
      }
    }
    convolution(builder, "last", 1280, 1, 1, 1).relu6("last.relu");
    return builder.globalAveragePool2d();
  }

  /** EfficientNet-B0: Tan and Le 2019, arXiv:1905.11946. Without dropout, which inference lacks. */
  static NetworkBuilder efficientNetB0(int side) {
    // Expansion, kernel, stride of the first, channels, blocks: table 1.
    int[][] stages = {
      {1, 3, 1, 16, 1},
      {6, 3, 2, 24, 2},
      {6, 5, 2, 40, 2},
      {6, 3, 2, 80, 3},
      {6, 5, 1, 112, 3},
      {6, 5, 2, 192, 4},
      {6, 3, 1, 320, 1}
    };
    NetworkBuilder builder = Network.builder(Shape.image(3, side, side));
    convolution(builder, "stem", 32, 3, 2, 1).silu("stem.silu");
    String before = "stem.silu";
    int inputChannels = 32;
    for (int stage = 0; stage < stages.length; stage++) {
      for (int block = 0; block < stages[stage][4]; block++) {
        String name = "block" + stage + block;
        final int channels = stages[stage][3];
        final int kernel = stages[stage][1];
        int wide = inputChannels * stages[stage][0];
        int stride = block == 0 ? stages[stage][2] : 1;
        builder.from(before);
        if (wide != inputChannels) {
          convolution(builder, name + ".expand", wide, 1, 1, 1).silu(name + ".expand.silu");
        }
        convolution(builder, name + ".depthwise", wide, kernel, stride, wide)
            .silu(name + ".silu")
            .squeezeExcitation(name + ".squeeze", wide, inputChannels / 4, "silu", "sigmoid");
        convolution(builder, name + ".project", channels, 1, 1, 1);
        String after = name + ".project.norm";
        if (stride == 1 && channels == inputChannels) {
          builder.add(name + ".sum", after, before);
          after = name + ".sum";
        }
        before = after;
        inputChannels = channels;
      }
    }
    convolution(builder, "last", 1280, 1, 1, 1).silu("last.silu");
    return builder.globalAveragePool2d();
  }

  /** Convolution without bias and batch norm, padded as torchvision does. */
  private static NetworkBuilder convolution(
      NetworkBuilder builder, String name, int channels, int kernel, int stride, int groups) {
    LayerOptions options = LayerOptions.defaults().stride(stride).padding(kernel / 2).noBias();
    if (groups == 1) {
      builder.conv2d(name, channels, kernel, options);
    } else {
      builder.depthwiseConv2d(name, kernel, options);
    }
    return builder.batchNorm(name + ".norm");
  }
}
