// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class BlockTest {
  private static final LayerOptions DEFAULTS = LayerOptions.defaults();

  private static NetworkBuilder residual(NetworkBuilder b) {
    return b.conv2d("conv1", 4, 3)
        .batchNorm()
        .relu()
        .conv2d("conv2", 4, 3)
        .add("sum", "conv2", "input")
        .relu();
  }

  @Test
  void namesBeginWithTheBlocks() {
    NetworkBuilder builder = Network.builder(Shape.image(1, 6, 6)).conv2d("stem", 4, 3).relu();
    for (int i = 1; i <= 2; i++) {
      builder.block("layer" + i, BlockTest::residual);
    }
    try (Network network =
        builder
            .relu()
            .head("inner", "layer1.sum", Head.classes(3))
            .head("h", Head.classes(2))
            .build(1)) {
      assertEquals(
          List.of(
              "stem",
              "relu1",
              "layer1.conv1",
              "layer1.batch_norm1",
              "layer1.relu1",
              "layer1.conv2",
              "layer1.sum",
              "layer1.relu2",
              "layer2.conv1",
              "layer2.batch_norm1",
              "layer2.relu1",
              "layer2.conv2",
              "layer2.sum",
              "layer2.relu2",
              "relu2",
              "heads.inner.dense",
              "heads.h.dense"),
          network.layers().stream().map(LayerSummary::name).toList());
      network.freeze("layer1.*");
    }
  }

  /** Nothing in a network says whether its layers were added in a block. */
  @Test
  void isWhatItsLayersAre() {
    try (Network block =
            residualBy(b -> b.block("a", BlockTest::residual)).head("h", Head.classes(2)).build(7);
        Network plain =
            residualBy(
                    b ->
                        b.conv2d("a.conv1", 4, 3)
                            .batchNorm("a.batch_norm1")
                            .relu("a.relu1")
                            .conv2d("a.conv2", 4, 3)
                            .add("a.sum", "a.conv2", "relu1")
                            .relu("a.relu2"))
                .head("h", Head.classes(2))
                .build(7)) {
      Dots.assertSameBits(block, plain);
      float[] input = new float[36];
      for (int i = 0; i < input.length; i++) {
        input[i] = (i * 7 % 13) / 13f;
      }
      try (Predictor first = block.predictor();
          Predictor second = plain.predictor()) {
        assertArrayEquals(second.predict(input), first.predict(input));
      }
    }
  }

  private static NetworkBuilder residualBy(Function<NetworkBuilder, NetworkBuilder> layers) {
    return layers.apply(Network.builder(Shape.image(1, 6, 6)).conv2d("stem", 4, 3).relu());
  }

  @Test
  void namesAreLookedUpFromTheInside() {
    try (Network network =
        Network.builder(Shape.vector(5))
            .dense("a", 5)
            .dense("b", 5)
            .from("a")
            .block(
                "outer",
                outer ->
                    outer
                        .dense("a", 4)
                        .block("inner", inner -> inner.dense("c", 4).add("own", "c", "a"))
                        .dense("wide", 5)
                        .add("end", "input", "b"))
            .head("h", Head.classes(2))
            .build(1)) {
      Map<String, LayerSummary> layers =
          network.layers().stream().collect(Collectors.toMap(LayerSummary::name, l -> l));
      assertEquals(Shape.vector(4), layers.get("outer.inner.own").output());
      assertEquals(Shape.vector(5), layers.get("outer.end").output());
    }
  }

  @Test
  void wantsANameAndLayers() {
    NetworkBuilder builder = Network.builder(Shape.vector(5));
    assertThrows(IllegalArgumentException.class, () -> builder.block("", b -> b.dense(3)));
    String message =
        assertThrows(IllegalArgumentException.class, () -> builder.block("empty", b -> {}))
            .getMessage();
    assertTrue(message.contains("\"empty\": expected at least one layer"), message);
    assertThrows(NullPointerException.class, () -> builder.block("x", null));
    assertThrows(
        ArithmeticException.class,
        () ->
            builder.block(
                "x",
                b -> {
                  throw new ArithmeticException();
                }));
    builder.dense("after", 3).head("h", Head.classes(2)).build(1).close();
  }

  @Test
  void squeezeExcitationScalesTheChannels() {
    NetworkBuilder builder =
        Network.builder(Shape.image(3, 8, 8))
            .conv2d("stem", 16, 3)
            .silu()
            .squeezeExcitation("se", 16, 4, "silu", "sigmoid")
            .block("b", b -> b.conv2d("conv", 8, 3).squeezeExcitation("se", 8, 2));
    try (Network network = builder.globalAveragePool2d().head("h", Head.classes(2)).build(1)) {
      Map<String, LayerSummary> layers =
          network.layers().stream().collect(Collectors.toMap(LayerSummary::name, l -> l));
      assertEquals(Shape.image(16, 1, 1), layers.get("se.gate").output());
      assertEquals("silu", layers.get("se.activation").kind());
      assertEquals(Shape.image(16, 8, 8), layers.get("se").output());
      assertEquals("sigmoid", layers.get("b.se.gate").kind());
      assertEquals(Shape.image(8, 8, 8), layers.get("b.se").output());
      assertEquals(16 * 4 + 4, layers.get("se.reduce").parameterCount());
      Trainer.of(network)
          .epochs(2)
          .fit(
              Datasets.withClasses(
                  Datasets.of(new float[4 * 192], Shape.image(3, 8, 8)),
                  "h",
                  new int[] {0, 1, 1, 0}));
    }
  }

  @Test
  void transformersStandInBlocksAndBehindLayersWithoutAName() {
    TransformerOptions options = TransformerOptions.of(24, 3, 40).dropout(0.1);
    try (Network network =
        Network.builder(Shape.of(11, 24))
            .rmsNorm("")
            .transformerEncoder("first", options)
            .block(
                "rest",
                b ->
                    b.transformerEncoder("a", options)
                        .relu()
                        .transformerEncoder("b", options.normFirst())
                        .add("sum", "b.sum2", "input"))
            .head("h", Head.classes(2))
            .build(1)) {
      List<String> names = network.layers().stream().map(LayerSummary::name).toList();
      assertTrue(
          names.containsAll(
              List.of("rms_norm1", "first.norm2", "rest.a.qkv", "rest.relu1", "rest.b.sum2")),
          names.toString());
    }
  }

  @Test
  void severalLayersMayBeRead() {
    NetworkBuilder builder = Network.builder(Shape.image(2, 3, 3)).conv2d("a", 4, 3);
    try (Network network =
        builder
            .from("input")
            .conv2d("b", 1, 3)
            .mul("product", "a", "b")
            .from("a", "product")
            .layer("difference", "sub", DEFAULTS)
            .layer("shares", "softmax", DEFAULTS.set("axis", "channels"))
            .head("h", Head.classes(2))
            .build(1)) {
      assertEquals(
          Shape.image(4, 3, 3), network.layers().get(network.layers().size() - 2).output());
    }
    builder.from("a", "b");
    assertThrows(IllegalStateException.class, () -> builder.head("x", Head.classes(2)));
    builder.from("a", "b");
    assertThrows(IllegalStateException.class, () -> builder.add("sum", "a", "b"));
    assertThrows(IllegalStateException.class, () -> builder.block("x", b -> b.dense(3)));
  }
}
