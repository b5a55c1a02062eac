// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import dev.espalier.Head;
import dev.espalier.LayerOptions;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Shape;
import dev.espalier.TokenPooling;
import dev.espalier.TransformerOptions;
import java.util.stream.IntStream;

/** The networks of the workloads, with random weights. */
public final class Networks {
  private static final int SEED = 1;

  private Networks() {}

  /** Builds a network by its name: I1 to I7, of which docs/benchmarks.md has the list. */
  public static Network build(String name) {
    NetworkBuilder builder =
        switch (name) {
          case "I1" ->
              Network.builder(Shape.vector(784))
                  .dense(256)
                  .relu()
                  .dense(128)
                  .relu()
                  .head("output", Head.classes(10));
          case "I2" ->
              Network.builder(Shape.vector(103)).dense(256).relu().head("output", labels(14));
          case "I3" ->
              Network.builder(Shape.image(1, 28, 28))
                  .conv2d(32, 3)
                  .relu()
                  .maxPool2d(2)
                  .conv2d(64, 3)
                  .relu()
                  .maxPool2d(2)
                  .flatten()
                  .dense(128)
                  .relu()
                  .head("output", Head.classes(10));
          case "I4" -> trunk().dense(256).relu().head("output", Head.classes(10));
          case "X" ->
              trunk().head("output", Head.layers(h -> h.dense(256).relu()).labels(labelNames(14)));
          case "I5r" -> resNet18();
          case "I5m" -> mobileNetV2();
          case "I6-16" -> textEncoder(16);
          case "I6-64" -> textEncoder(64);
          case "I6-128" -> textEncoder(128);
          case "I7" -> visionTransformer();
          case "O" -> Network.builder(Shape.vector(1)).head("output", Head.values("value"));
          // One unit of input: the head's input gradient is needed, and little else is computed.
          case "L" -> Network.builder(Shape.vector(1)).dense(512).head("output", labels(1024));
          default -> throw new IllegalArgumentException("no network " + name);
        };
    return builder.build(SEED);
  }

  static Head labels(int count) {
    return Head.labels(labelNames(count));
  }

  static String[] labelNames(int count) {
    return IntStream.range(0, count).mapToObj(i -> "l" + i).toArray(String[]::new);
  }

  /** The convolutions of I4: [64, 64], [128, 128], [256, 256], each with pooling. */
  private static NetworkBuilder trunk() {
    NetworkBuilder builder = Network.builder(Shape.image(3, 32, 32));
    for (int channels = 64; channels <= 256; channels *= 2) {
      builder.conv2d(channels, 3).relu().conv2d(channels, 3).relu().maxPool2d(2);
    }
    return builder.flatten("features");
  }

  private static NetworkBuilder resNet18() {
    NetworkBuilder builder = Network.builder(Shape.image(3, 224, 224));
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
    return builder.globalAveragePool2d().head("output", Head.classes(1000));
  }

  private static NetworkBuilder mobileNetV2() {
    // Expansion, channels, blocks, stride of the first: table 2 of arXiv:1801.04381.
    int[][] stages = {
      {1, 16, 1, 1},
      {6, 24, 2, 2},
      {6, 32, 3, 2},
      {6, 64, 4, 2},
      {6, 96, 3, 1},
      {6, 160, 3, 2},
      {6, 320, 1, 1}
    };
    NetworkBuilder builder = Network.builder(Shape.image(3, 224, 224));
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
    return builder.globalAveragePool2d().head("output", Head.classes(1000));
  }

  /** The encoder of all-MiniLM-L6 over tokens that are embedded already, and their mean. */
  private static NetworkBuilder textEncoder(int length) {
    NetworkBuilder builder = Network.builder(Shape.of(length, 384));
    TransformerOptions options = TransformerOptions.of(384, 12, 1536).dropout(0).epsilon(1e-12);
    for (int layer = 0; layer < 6; layer++) {
      builder.transformerEncoder("layer" + layer, options);
    }
    return builder.tokenPool("pooled", TokenPooling.MEAN).head("output", labels(14));
  }

  /** ViT-tiny with patches of 16 x 16, without a class token: the mean of all is read. */
  private static NetworkBuilder visionTransformer() {
    int width = 192;
    NetworkBuilder builder = Network.builder(Shape.image(3, 224, 224));
    builder.conv2d("patches", width, 16, LayerOptions.defaults().stride(16).valid());
    builder.layer("rows", "reshape", LayerOptions.defaults().set("shape", width, 196));
    builder.layer("tokens", "transpose", LayerOptions.defaults().set("order", 1, 0));
    builder.positionEmbedding("positions", 196);
    TransformerOptions options = TransformerOptions.of(width, 3, 4 * width).dropout(0).normFirst();
    for (int layer = 0; layer < 12; layer++) {
      builder.transformerEncoder("block" + layer, options);
    }
    builder.layer("norm", "layer_norm", LayerOptions.defaults().perPosition());
    return builder.tokenPool("pooled", TokenPooling.MEAN).head("output", Head.classes(1000));
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
