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
            .flatten()
            .head("early", "wide", Head.layers(h -> h.maxPool2d(2).dense(4).relu()).values("v"))
            .head("middle", "layer_norm1", Head.labels("a", "b").positiveWeights(1, 3))
            .head("late", Head.classes("x", "y", "z").labelSmoothing(0.1).classWeights(1, 2, 3))
            .build(1)) {
      assertEquals(List.of("early", "middle", "late"), names(network.tasks()));
      assertEquals(Task.Kind.VALUES, network.tasks().get(0).kind());
      assertEquals(List.of("x", "y", "z"), network.tasks().get(2).labels());
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
              Dataset.of(new float[4 * 432], Shape.image(3, 12, 12))
                  .withTargets("early", new float[4][1])
                  .withTargets("middle", new float[4][2])
                  .withClasses("late", new int[] {0, 1, 2, -1}));
    }
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
    assertEquals("0.1.0", Espalier.version());
    assertTrue(List.of("baseline", "avx2", "avx512", "neon").contains(Espalier.cpuTarget()));
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
}
