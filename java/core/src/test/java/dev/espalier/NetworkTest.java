// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class NetworkTest {
  @Test
  void buildsEveryKindOfLayer() {
    LayerOptions options = LayerOptions.defaults();
    try (Network network =
        Network.builder(Shape.image(3, 12, 12))
            .normalize(new double[] {0.1, 0.2, 0.3}, new double[] {1, 2, 3})
            .conv2d(8, 3)
            .batchNorm()
            .relu()
            .conv2d("wide", 8, 3, options.dilation(2).groups(2).noBias())
            .batchNorm("norm", options.momentum(0.2).epsilon(1e-3))
            .relu6()
            .add("sum", "relu1", "relu61")
            .depthwiseConv2d(3)
            .leakyRelu(0.2)
            .depthwiseConv2d("twice", 3, options.multiplier(2).stride(2))
            .silu()
            .maxPool2d(2)
            .from("silu1")
            .averagePool2d(2)
            .concat("both", "max_pool2d1", "average_pool2d1")
            .conv2d("mix", 16, 1, options.valid().initializer(Initializer.LECUN_UNIFORM))
            .gelu()
            .averagePool2d("counted", 3, options.stride(1).padding(1).countPadding(false))
            .maxPool2d("same", 3, options.same().stride(1))
            .layerNorm()
            .from("gelu1")
            .globalAveragePool2d()
            .dropout(0.1)
            .dense(10)
            .tanh()
            .dense("last", 6, options.constant(0.25))
            .sigmoid()
            .hardSwish()
            .hardSigmoid()
            .elu()
            .elu("bent", 0.5)
            .selu()
            .softplus()
            .mish()
            .prelu()
            .layer("size", "abs", options)
            .layer("", "erf", options)
            .flatten()
            .head("early", "wide", Head.layers(h -> h.maxPool2d(2).dense(4).relu()).values("v"))
            .head("middle", "layer_norm1", Head.labels("a", "b").positiveWeights(1, 3))
            .head("late", Head.classes("x", "y", "z").labelSmoothing(0.1).classWeights(1, 2, 3))
            .build(1)) {
      assertEquals(List.of("early", "middle", "late"), names(network.tasks()));
      assertEquals(Task.Kind.VALUES, network.tasks().get(0).kind());
      assertEquals(List.of("x", "y", "z"), network.tasks().get(2).outputNames());
      Map<String, LayerSummary> layers =
          network.layers().stream().collect(Collectors.toMap(LayerSummary::name, l -> l));
      assertEquals(Shape.image(16, 6, 6), layers.get("twice").output());
      assertEquals(Shape.image(32, 3, 3), layers.get("both").output());
      assertEquals(Shape.image(16, 3, 3), layers.get("counted").output());
      assertEquals(8 * 4 * 9, layers.get("wide").parameterCount());
      assertEquals("early", layers.get("heads.early.dense").head());
      for (float weight : network.parameter("last.weight")) {
        assertEquals(0.25f, weight);
      }
      try (Predictor predictor = network.predictor()) {
        assertEquals(6, predictor.outputSize());
        for (float output : predictor.predict(new float[432])) {
          assertTrue(Float.isFinite(output));
        }
      }
      Trainer.of(network)
          .epochs(2)
          .fit(
              Datasets.withClasses(
                  Datasets.withTargets(
                      Datasets.withTargets(
                          Datasets.of(new float[4 * 432], Shape.image(3, 12, 12)),
                          "early",
                          new float[4][1]),
                      "middle",
                      new float[4][2]),
                  "late",
                  new int[] {0, 1, 2, -1}));
    }
  }

  @Test
  void buildsTransformers() {
    LayerOptions options = LayerOptions.defaults();
    TransformerOptions block = TransformerOptions.of(24, 3, 40).dropout(0.1);
    try (Network network =
        Network.builder(Shape.of(11, 24))
            .positionEmbedding("positions", 16)
            .transformerEncoder("post", block.activation("relu").epsilon(1e-12))
            .transformerEncoder("pre", block.normFirst().causal())
            .rmsNorm("norm")
            .dense("q", 16, options.perPosition().noBias())
            .from("norm")
            .dense("k", 16, options.perPosition())
            .from("norm")
            .dense("v", 16, options.perPosition())
            .attention("cross", 4, options.scale(0.5), "q", "k", "v")
            .rmsNorm("rms", options.epsilon(1e-5))
            .layerNorm("last", options.perPosition())
            .tokenPool("features", TokenPooling.MEAN)
            .head("early", "norm", Head.layers(h -> h.tokenPool("", TokenPooling.MAX)).values("v"))
            .head("late", Head.classes("x", "y"))
            .build(1)) {
      Map<String, LayerSummary> layers =
          network.layers().stream().collect(Collectors.toMap(LayerSummary::name, l -> l));
      assertEquals(Shape.of(11, 72), layers.get("post.qkv").output());
      assertEquals(Shape.of(11, 40), layers.get("pre.hidden").output());
      assertEquals(Shape.of(11, 16), layers.get("cross").output());
      assertEquals(Shape.of(16), layers.get("features").output());
      assertEquals(24 * 72 + 72, layers.get("pre.qkv").parameterCount());
      assertEquals(24 * 16, layers.get("q").parameterCount());
      assertEquals(2 * 16, layers.get("last").parameterCount());
      assertEquals("relu", layers.get("post.activation").kind());
      assertEquals("dropout", layers.get("pre.dropout2").kind());
      float[] tokens = new float[2 * 11 * 24];
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = (float) Math.sin(i);
      }
      Trainer.of(network)
          .epochs(2)
          .fit(
              Datasets.withClasses(
                  Datasets.withTargets(
                      Datasets.of(tokens, Shape.of(11, 24)), "early", new float[2][1]),
                  "late",
                  new int[] {0, 1}));
      try (Predictor predictor = network.predictor()) {
        for (float output : predictor.predict(Arrays.copyOf(tokens, 11 * 24))) {
          assertTrue(Float.isFinite(output));
        }
      }
    }
  }

  @Test
  void buildsRecurrentLayers() {
    LayerOptions options = LayerOptions.defaults();
    try (Network network =
        Network.builder(Input.floats("tokens", Shape.of(11, 5)), Input.integers("n", Shape.of(1)))
            .from("tokens")
            .gru("", 6)
            .lstm("two", 7, options.bidirectional().noBias())
            .gru("valid", 4, options.bidirectional(), "two", "n")
            .lstm("state", 3, options.lastState(), "valid", "n")
            .head("early", "two", Head.layers(h -> h.gru("", 2, options.lastState())).values("v"))
            .head("late", Head.layers(h -> h.dense(4)).values("w"))
            .build(1)) {
      Map<String, LayerSummary> layers =
          network.layers().stream().collect(Collectors.toMap(LayerSummary::name, l -> l));
      assertEquals(Shape.of(11, 6), layers.get("gru1").output());
      assertEquals(Shape.of(11, 14), layers.get("two").output());
      assertEquals(Shape.of(11, 8), layers.get("valid").output());
      assertEquals(Shape.of(3), layers.get("state").output());
      assertEquals(3 * 6 * (5 + 6 + 2), layers.get("gru1").parameterCount());
      assertEquals(2 * 4 * 7 * (6 + 7), layers.get("two").parameterCount());
      assertEquals(2 * 3 * 4 * 4, network.parameter("valid.recurrent_weight").length);
      float most = 0;
      for (float weight : network.parameter("gru1.recurrent_bias")) {
        most = Math.max(most, Math.abs(weight));
      }
      assertTrue(most > 0 && most <= 1 / Math.sqrt(6), most + " is none of PyTorch's");
    }
    NetworkBuilder builder = Network.builder(Shape.of(11, 5));
    assertThrows(IllegalArgumentException.class, () -> builder.gru("", 0));
    assertThrows(
        IllegalArgumentException.class, () -> builder.lstm("x", 3, options.set("hidden", 4)));
    assertThrows(
        IllegalArgumentException.class,
        () -> builder.gru("x", 3, options.set("hidden", 4), "input", "n"));
  }

  @Test
  void transformersNeedANameAndDivisors() {
    TransformerOptions block = TransformerOptions.of(24, 3, 40);
    assertThrows(IllegalArgumentException.class, () -> TransformerOptions.of(24, 5, 40));
    assertThrows(IllegalArgumentException.class, () -> TransformerOptions.of(24, 25, 40));
    assertThrows(IllegalArgumentException.class, () -> block.dropout(1));
    NetworkBuilder builder = Network.builder(Shape.of(11, 24)).rmsNorm("");
    assertThrows(IllegalArgumentException.class, () -> builder.transformerEncoder("", block));
    LayerOptions options = LayerOptions.defaults();
    assertThrows(IllegalArgumentException.class, () -> builder.attention("a", 3, options));
    assertThrows(
        IllegalArgumentException.class,
        () -> builder.attention("a", 3, options, "q", "k", "v", "l", "m"));
  }

  private static List<String> names(List<Task> tasks) {
    return tasks.stream().map(Task::name).toList();
  }

  @Test
  void namesTheLayerThatDoesNotFit() {
    NetworkBuilder builder =
        Network.builder(Shape.image(1, 8, 8))
            .conv2d("a", 4, 3)
            .from("input")
            .conv2d("b", 5, 3)
            .add("sum", "a", "b")
            .head("x", Head.labels("l"));
    ShapeException error = assertThrows(ShapeException.class, () -> builder.build(1));
    assertTrue(error.getMessage().contains("sum"), error.getMessage());
    assertThrows(
        IllegalArgumentException.class,
        () -> Dots.backbone().dense("conv1", 3).head("x", Head.labels("l")).build(1));
    assertThrows(
        IllegalArgumentException.class,
        () -> Dots.backbone().head("x", "no-such-layer", Head.labels("l")).build(1));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            Dots.backbone()
                .layer("", "magic", LayerOptions.defaults())
                .head("x", Head.labels("l"))
                .build(1));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            Dots.backbone()
                .maxPool2d("", 2, LayerOptions.defaults().groups(2))
                .head("x", Head.labels("l"))
                .build(1));
  }

  @Test
  void optionsDoNotSayWhatAnArgumentSays() {
    LayerOptions options = LayerOptions.defaults();
    Map<String, Consumer<NetworkBuilder>> contradictions =
        Map.of(
            "units 3 there and 5", b -> b.dense("x", 3, options.set("units", 5)),
            "kernel 3 there and [3, 5]", b -> b.conv2d("x", 8, 3, options.set("kernel", 3, 5)),
            "channels 8 there and 8", b -> b.conv2d("x", 8, 3, options.set("channels", 8)),
            "kernel 3 there and 1", b -> b.depthwiseConv2d("x", 3, options.set("kernel", 1)),
            "window 2 there and 3", b -> b.maxPool2d("x", 2, options.set("window", 3)),
            "window 4 there and 3", b -> b.averagePool2d("x", 4, options.set("window", 3)));
    contradictions.forEach(
        (values, call) -> {
          NetworkBuilder builder = Network.builder(Dots.PICTURE);
          String message =
              assertThrows(IllegalArgumentException.class, () -> call.accept(builder)).getMessage();
          String attribute = values.substring(0, values.indexOf(' '));
          String got = values.substring(values.indexOf(' ') + 1);
          assertTrue(
              message.contains(
                  "\"x\": expected " + attribute + " by the argument alone, got " + got),
              message);
        });
    try (Network network =
        Network.builder(Dots.PICTURE)
            .layer("x", "conv2d", options.set("channels", 8).set("kernel", 3, 5))
            .conv2d("y", 8, 3, options.constant(0.5).initializer(Initializer.ZEROS))
            .layerNorm("z", options.epsilon(1e-3))
            .head("h", Head.classes(2))
            .build(1)) {
      assertEquals(8 * 15, network.parameter("x.weight").length);
      assertEquals(0, network.parameter("y.weight")[0]);
    }
    NetworkBuilder elsewhere = Dots.backbone().from("conv1");
    String message =
        assertThrows(IllegalStateException.class, () -> elsewhere.add("sum", "conv1", "relu1"))
            .getMessage();
    assertTrue(message.contains("got from(\"conv1\") before"), message);
  }

  /** What Java lets through is what the core takes, so that an error comes where it is made. */
  @Test
  void rangesAreThoseOfTheCore() {
    NetworkBuilder builder = Network.builder(Dots.PICTURE);
    LayerOptions options = LayerOptions.defaults();
    for (double wrong : new double[] {-0.1, 0.9995, 1, Double.NaN}) {
      assertThrows(IllegalArgumentException.class, () -> builder.dropout(wrong));
    }
    for (double wrong : new double[] {-0.1, 1001, Double.NaN}) {
      assertThrows(IllegalArgumentException.class, () -> builder.leakyRelu(wrong));
      assertThrows(IllegalArgumentException.class, () -> builder.elu("", wrong));
    }
    for (double wrong : new double[] {0, 1e-13, 1.5, Double.NaN}) {
      assertThrows(IllegalArgumentException.class, () -> options.epsilon(wrong));
    }
    for (double wrong : new double[] {-1e31, 1e31, Double.NaN}) {
      assertThrows(IllegalArgumentException.class, () -> options.constant(wrong));
    }
    builder
        .dropout(0)
        .dropout(0.999)
        .leakyRelu(0)
        .leakyRelu(1000)
        .elu("", 0)
        .elu("", 1000)
        .batchNorm("a", options.epsilon(1e-12).momentum(0))
        .batchNorm("b", options.epsilon(1).momentum(1))
        .conv2d("c", 1, 1, options.constant(1e30))
        .conv2d("d", 1, 1, options.constant(-1e30))
        .head("h", Head.classes(2))
        .build(1)
        .close();
  }

  @Test
  void sameSeedGivesTheSameParameters() {
    try (Network first = Dots.rich(1);
        Network same = Dots.rich(1);
        Network other = Dots.rich(2)) {
      Dots.assertSameBits(first, same);
      assertFalse(
          Arrays.equals(first.parameter("features.weight"), other.parameter("features.weight")));
    }
  }

  @Test
  void readsAndWritesParameters() {
    try (Network network = Dots.labeller(1);
        Network copy = network.copy()) {
      Map<String, ParameterSummary> parameters =
          network.parameters().stream().collect(Collectors.toMap(ParameterSummary::path, p -> p));
      assertEquals(Shape.of(4, 1, 3, 3), parameters.get("conv1.weight").shape());
      assertEquals(Shape.of(16, 64), parameters.get("features.weight").shape());
      assertFalse(parameters.get("features.weight").isBuffer());
      float[] bias = new float[16];
      bias[3] = 2.5f;
      network.setParameter("features.bias", bias);
      bias[3] = 0;
      assertEquals(2.5f, network.parameter("features.bias")[3]);
      assertEquals(0, copy.parameter("features.bias")[3]);
      assertThrows(
          ShapeException.class, () -> network.setParameter("features.bias", new float[15]));
      assertThrows(IllegalArgumentException.class, () -> network.parameter("features.bia"));
    }
    try (Network network = Dots.rich(1)) {
      assertTrue(
          network.parameters().stream()
              .anyMatch(p -> p.path().equals("norm1.running_mean") && p.isBuffer()));
    }
  }

  @Test
  void summarizes() {
    try (Network network = Dots.labeller(1).freeze("conv*")) {
      String summary = network.summary();
      for (String word :
          List.of(
              "conv1", "conv2d", "[4, 8, 8]", "40", "frozen", "trainable", "1,114 parameters")) {
        assertTrue(summary.contains(word), summary);
      }
      assertTrue(summary.contains("1,074 of them trainable"), summary);
    }
  }

  @Test
  void isUnusableAfterClose() {
    long handles = Espalier.liveHandles();
    Network network = Dots.labeller(1);
    assertEquals(handles + 1, Espalier.liveHandles());
    assertTrue(network.nativeBytes() >= 4 * 1114);
    assertFalse(network.isClosed());
    network.close();
    network.close();
    assertTrue(network.isClosed());
    assertEquals(handles, Espalier.liveHandles());
    assertThrows(IllegalStateException.class, network::summary);
    assertThrows(IllegalStateException.class, network::copy);
    assertThrows(IllegalStateException.class, network::predictor);
    assertThrows(IllegalStateException.class, () -> network.freeze("conv1"));
    assertEquals(List.of("side"), names(network.tasks()));
  }

  @Test
  void describesTheLibrary() {
    assertTrue(Espalier.version().matches("\\d+\\.\\d+\\.\\d+"), Espalier.version());
    List<String> targets = List.of("baseline", "avx2", "avx512", "avx512vnni", "neon");
    assertTrue(targets.contains(Espalier.cpuTarget()), Espalier.cpuTarget());
    assertTrue(Espalier.describe().contains(Espalier.cpuTarget()), Espalier.describe());
    assertEquals(Math.min(256, Runtime.getRuntime().availableProcessors()), Espalier.threads());
    assertTrue(Espalier.nativeBytes() >= 0 && Espalier.nativeBytesBudget() > 0);
    assertThrows(IllegalArgumentException.class, () -> Espalier.setThreads(0));
  }

  @Test
  void refusesMoreMemoryThanTheBudget() {
    long budget = Espalier.nativeBytesBudget();
    try {
      Espalier.setNativeBytesBudget(Espalier.nativeBytes() + 100_000);
      NetworkBuilder large =
          Network.builder(Shape.vector(1000)).dense(1000).head("x", Head.labels("l"));
      assertThrows(NativeMemoryException.class, () -> large.build(1));
      Dots.labeller(1).close();
    } finally {
      Espalier.setNativeBytesBudget(budget);
    }
  }

  @Test
  void normalizesItsInput() {
    try (Network network =
        Network.builder(Shape.vector(2))
            .normalize(3, 2)
            .head("x", Head.values("a", "b"))
            .build(1)) {
      network.setParameter("heads.x.dense.weight", new float[] {1, 0, 0, 1});
      try (Predictor predictor = network.predictor()) {
        assertArrayEquals(new float[] {1, -1.5f}, predictor.predict(new float[] {5, 0}), 1e-6f);
      }
    }
  }

  @Test
  void whatNoArrayCouldHoldIsRefusedByName() {
    NetworkBuilder builder =
        Network.builder(Shape.image(1, 1024, 1024))
            .conv2d("wide", 4096, 1)
            .head("side", Head.labels("a"));
    String message = assertThrows(ShapeException.class, () -> builder.build(1)).getMessage();
    assertTrue(message.contains("'wide'") && message.contains("2147483647"), message);
  }

  @Test
  void summaryNamesThePaddingOfWindows() {
    LayerOptions stride = LayerOptions.defaults().stride(2);
    try (Network network =
        Network.builder(Shape.image(1, 8, 8))
            .conv2d("even", 2, 3, stride)
            .conv2d("torch", 2, 3, stride.padding(1))
            .maxPool2d("pool", 2, LayerOptions.defaults())
            .head("side", Head.labels("a"))
            .build(1)) {
      List<String> padding = network.layers().stream().map(LayerSummary::padding).toList();
      assertEquals(List.of("same", "1", "0", ""), padding);
      List<String> lines = network.summary().lines().toList();
      assertTrue(lines.get(0).contains("padding"), lines.get(0));
      assertTrue(lines.get(1).contains("same"), lines.get(1));
    }
  }

  /** A 3x3 window of stride 2 on 4x4: where PyTorch's padding=1 lies, and where same does. */
  @Test
  void strideTwoIsPyTorchsWithItsPadding() {
    float[] image = new float[16];
    for (int i = 0; i < 16; i++) {
      image[i] = i + 1;
    }
    assertArrayEquals(new float[] {54, 45, 72, 54}, sums(LayerOptions.defaults().same(), image));
    assertArrayEquals(
        new float[] {14, 30, 57, 99}, sums(LayerOptions.defaults().padding(1), image));
  }

  private static float[] sums(LayerOptions options, float[] image) {
    try (Network network =
            Network.builder(Shape.image(1, 4, 4))
                .conv2d("sum", 1, 3, options.stride(2).noBias().constant(1))
                .head("all", Head.values("a", "b", "c", "d"))
                .build(1)
                .setParameter("heads.all.dense.weight", identity(4));
        Predictor predictor = network.predictor()) {
      return predictor.predict(image);
    }
  }

  private static float[] identity(int size) {
    float[] matrix = new float[size * size];
    for (int i = 0; i < size; i++) {
      matrix[i * size + i] = 1;
    }
    return matrix;
  }
}
