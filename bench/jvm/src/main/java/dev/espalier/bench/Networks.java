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

/** The networks of the workloads, with random weights; the larger ones for images are Backbones. */
public final class Networks {
  private static final int SEED = 1;

  private Networks() {}

  /** Builds a network by the name of its workload, of which docs/benchmarks.md has the list. */
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
          case "I5r" -> Backbones.resNet18(224).head("output", Head.classes(1000));
          case "I5m" -> Backbones.mobileNetV2(224).head("output", Head.classes(1000));
          case "T-I5r-224" -> Backbones.resNet18(224).head("output", labels(14));
          case "T-I5r-64" -> Backbones.resNet18(64).head("output", labels(14));
          case "T-I5m-224" -> Backbones.mobileNetV2(224).head("output", labels(14));
          case "T-I5m-64" -> Backbones.mobileNetV2(64).head("output", labels(14));
          case "I6-16" -> textEncoder(16);
          case "I6-64", "T-I6-64" -> textEncoder(64);
          case "I6-128" -> textEncoder(128);
          case "I7" -> visionTransformer();
          case "I8" -> Backbones.efficientNetB0(224).head("output", Head.classes(1000));
          case "O" -> Network.builder(Shape.vector(1)).head("output", Head.values("value"));
          // 97 MB of weights, which no cache holds.
          case "W" ->
              Network.builder(Shape.vector(784))
                  .dense(4096)
                  .relu()
                  .dense(5120)
                  .relu()
                  .head("output", Head.classes(10));
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
}
