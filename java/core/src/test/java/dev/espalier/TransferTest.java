// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class TransferTest {
  private static final Head SIDES = Head.layers(h -> h.dense("mixed", 8).relu()).labels("a", "b");

  private static Map<String, LayerSummary> byName(List<LayerSummary> layers) {
    return layers.stream().collect(Collectors.toMap(LayerSummary::name, layer -> layer));
  }

  @Test
  void explainsWhatItWillDo() {
    try (Network network = Dots.classifier(1)) {
      TransferBuilder plan =
          network
              .transfer()
              .dropHead("quarter")
              .freezeThrough("features")
              .learningRateScale("heads.*", 0.5)
              .head("side", SIDES);
      Map<String, LayerSummary> layers = byName(plan.layers());
      assertEquals(LayerSummary.Fate.DROPPED, layers.get("heads.quarter.dense").fate());
      assertEquals(LayerSummary.Fate.KEPT, layers.get("conv1").fate());
      assertTrue(layers.get("conv1").isFrozen());
      assertTrue(layers.get("features").isFrozen());
      assertEquals(LayerSummary.Fate.NEW, layers.get("heads.side.mixed").fate());
      assertEquals("side", layers.get("heads.side.dense").head());
      assertEquals(Shape.vector(2), layers.get("heads.side.dense").output());
      assertEquals(16 * 8 + 8, layers.get("heads.side.mixed").parameterCount());
      assertFalse(layers.get("heads.side.dense").isFrozen());
      String table = plan.explain();
      for (String word :
          List.of(
              "conv1",
              "[4, 8, 8]",
              "frozen",
              "trainable",
              "kept",
              "new",
              "dropped",
              "parameters")) {
        assertTrue(table.contains(word), table);
      }
    }
  }

  /** A network that pools takes pictures of another size, with the weights that it has. */
  @Test
  void inputsMayHaveOtherShapes() {
    try (Network small =
            Network.builder(Shape.image(1, 8, 8))
                .conv2d("conv1", 4, 3)
                .relu()
                .globalAveragePool2d("pool")
                .head("side", Head.labels("a", "b"))
                .build(1);
        Network large = small.transfer().inputShape(Shape.image(1, 16, 12)).build(2);
        Network named = small.transfer().inputShape("input", Shape.image(1, 5, 7)).build(2);
        Predictor first = small.predictor();
        Predictor second = large.predictor()) {
      assertEquals(Shape.image(1, 16, 12), large.inputShape());
      assertEquals(Shape.image(1, 5, 7), named.inputShape());
      for (ParameterSummary parameter : small.parameters()) {
        assertArrayEquals(small.parameter(parameter.path()), large.parameter(parameter.path()));
      }
      float[] black = first.predict(new float[64]);
      assertArrayEquals(black, second.predict(new float[192]), 1e-6f);
      ShapeException wrong =
          assertThrows(
              ShapeException.class,
              () -> small.transfer().inputShape(Shape.image(2, 8, 8)).explain());
      assertTrue(wrong.getMessage().contains("'conv1.weight' of [4, 2, 3, 3] for [4, 1, 3, 3]"));
    }
  }

  private static void assertRefuses(Executable call, String message) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, call).getMessage());
  }

  @Test
  void refusesNamesInTheWordsOfTheCaller() {
    try (Network network = Dots.classifier(1)) {
      assertRefuses(
          () -> network.transfer().head("quarter", SIDES).build(1),
          "head 'quarter': expected a name that no kept head has, got one of the network; drop that"
              + " head first (dropHead) to replace it");
      network.transfer().head("quarter", SIDES).dropHead("quarter").build(1).close();
      assertRefuses(
          () -> network.transfer().dropHead("quarte").build(1),
          "head to drop: expected a head's name, got 'quarte', which no head has; did you mean"
              + " 'quarter'?");
      assertRefuses(
          () -> network.transfer().dropFrom("featurs").build(1),
          "layer to drop from: expected a layer's name, got 'featurs', which no layer has; did you"
              + " mean 'features'?");
    }
  }

  @Test
  void refusesTextThatIsNoUtf16() {
    String lone = ": expected valid UTF-16, got the lone surrogate U+D800 at index 1";
    assertRefuses(() -> Head.labels("a", "x\ud800"), "labels" + lone);
    assertRefuses(
        () -> Head.labels("\udc00\ud800"),
        "labels: expected valid UTF-16, got the lone surrogate U+DC00 at index 0");
    Head.labels("x\ud83d\ude00");
    try (Network network = Dots.classifier(1)) {
      TransferBuilder plan = network.transfer();
      assertRefuses(() -> plan.freeze("x\ud800*"), "pattern" + lone);
      assertRefuses(() -> plan.dropHead("x\ud800"), "head" + lone);
      assertRefuses(() -> plan.head("x\ud800", SIDES), "name" + lone);
      assertRefuses(() -> network.freeze("x\ud800"), "pattern" + lone);
    }
  }

  @Test
  void changesACopyOnly() {
    try (Network network = Dots.classifier(1)) {
      Map<String, float[]> before = Dots.parameters(network);
      String summary = network.summary();
      try (Network other =
          network.transfer().dropHead("quarter").freeze("conv*").head("side", SIDES).build(2)) {
        Trainer.of(other).epochs(2).fit(new Dots(40, 1).labels());
        assertArrayEquals(before.get("conv1.weight"), other.parameter("conv1.weight"));
        assertEquals(List.of("side"), other.tasks().stream().map(Task::name).toList());
      }
      Dots.assertSameBits(before, Dots.parameters(network));
      assertEquals(summary, network.summary());
    }
  }

  @Test
  void doesNotDependOnTheOrderOfCalls() {
    try (Network network = Dots.rich(1);
        Network first =
            network
                .transfer()
                .dropHead("quarter")
                .dropHead("side")
                .freezeThrough("active")
                .unfreeze("features")
                .learningRateScale("features", 0.1)
                .head("new", SIDES)
                .build(2);
        Network second =
            network
                .transfer()
                .head("new", SIDES)
                .learningRateScale("features", 0.1)
                .unfreeze("features")
                .freezeThrough("active")
                .dropHead("side")
                .dropHead("quarter")
                .build(2)) {
      assertEquals(first.layers(), second.layers());
      Dots.assertSameBits(first, second);
      assertFalse(byName(first.layers()).get("features").isFrozen());
      assertTrue(byName(first.layers()).get("conv1").isFrozen());
    }
  }

  /** What the Javadoc of TransferBuilder says trains, and is computed once. */
  @Test
  void whatIsNotFrozenTrainsAndWhatIsFrozenIsComputedOnce() {
    Dataset data = new Dots(40, 1).labels();
    try (Network network = Dots.rich(1);
        Network fineTuned = grafted(network.transfer());
        Network headAlone = grafted(network.transfer().freezeThrough("features"));
        Network belowDropout = grafted(network.transfer().freeze("conv1", "norm1"));
        Network adapting =
            grafted(network.transfer().freeze("conv1").freeze("norm1", BatchNormStatistics.ADAPT));
        Network kept =
            belowDropout.transfer().dropHead("new").head("new", Head.labels("a", "b")).build(1)) {
      assertTrue(fineTuned.layers().stream().noneMatch(LayerSummary::isFrozen));
      assertEquals(
          List.of("heads.new.dense"),
          headAlone.layers().stream()
              .filter(layer -> layer.parameterCount() > 0 && !layer.isFrozen())
              .map(LayerSummary::name)
              .toList());
      assertTrue(byName(kept.layers()).get("conv1").isFrozen());
      assertFalse(byName(kept.layers()).get("features").isFrozen());
      TransferBuilder all = network.transfer().dropHead("side").freeze("*");
      Map<String, LayerSummary> frozen = byName(all.head("new", SIDES).layers());
      assertTrue(frozen.get("heads.new.dense").isFrozen());
      frozen = byName(all.unfreeze("heads.new.*").layers());
      assertFalse(frozen.get("heads.new.dense").isFrozen());
      assertTrue(frozen.get("heads.quarter.dense").isFrozen());
      assertTrue(note(fineTuned, data).startsWith("not kept"));
      assertEquals("kept: " + 40 * 4 * 16 + " bytes for 40 examples", note(headAlone, data));
      String pooled = "kept: " + 40 * 4 * 4 * 16 + " bytes for 40 examples";
      assertEquals(pooled, note(belowDropout, data));
      assertEquals(pooled, note(kept, data));
      assertEquals("kept: " + 40 * 4 * 4 * 64 + " bytes for 40 examples", note(adapting, data));
      assertTrue(
          note(headAlone, Datasets.augment(data, 1, (x, random) -> x)).startsWith("not kept"));
      assertTrue(note(headAlone, Datasets.map(data, x -> x)).startsWith("kept"));
    }
  }

  private static Network grafted(TransferBuilder plan) {
    return plan.dropHead("quarter").dropHead("side").head("new", Head.labels("a", "b")).build(1);
  }

  private static String note(Network network, Dataset data) {
    return Trainer.of(network).epochs(1).fit(data).cacheNote();
  }

  @Test
  void dropsALayerAndAllAfterIt() {
    try (Network network = Dots.rich(1);
        Network other =
            network
                .transfer()
                .dropFrom("features")
                .head("new", "relu1", Head.labels("x"))
                .build(1)) {
      Map<String, LayerSummary> layers = byName(other.layers());
      assertFalse(layers.containsKey("features"));
      assertFalse(layers.containsKey("heads.side.dense"));
      assertTrue(layers.containsKey("conv1"));
      assertEquals(1, other.tasks().size());
    }
  }

  @Test
  void namesWhatIsNear() {
    try (Network network = Dots.classifier(1)) {
      IllegalArgumentException error =
          assertThrows(IllegalArgumentException.class, () -> network.freeze("feature"));
      assertTrue(error.getMessage().contains("features"), error.getMessage());
      assertThrows(IllegalArgumentException.class, () -> network.freeze("xyz*"));
      assertThrows(
          IllegalArgumentException.class, () -> network.transfer().dropHead("quart").build(1));
      assertThrows(
          IllegalArgumentException.class, () -> network.transfer().freeze("nothing").explain());
    }
  }

  @Test
  void keepsEveryBitOfFrozenLayers() {
    try (Network network = Dots.rich(1)) {
      network.freezeThrough("active");
      Map<String, float[]> before = Dots.parameters(network);
      Trainer.of(network)
          .optimizer(AdamW.withLearningRate(0.01).weightDecay(0.5))
          .decayBiasesAndNorms(true)
          .epochs(5)
          .fit(new Dots(60, 1).both());
      Map<String, float[]> after = Dots.parameters(network);
      for (String path : before.keySet()) {
        boolean isSame = Arrays.equals(Dots.bits(before.get(path)), Dots.bits(after.get(path)));
        assertEquals(!path.startsWith("heads."), isSame, path);
      }
    }
  }

  @Test
  void passesGradientsThroughAFrozenMiddle() {
    try (Network network = Dots.rich(1)) {
      network.freeze("features");
      float[] middle = network.parameter("features.weight");
      float[] lower = network.parameter("conv1.weight");
      Trainer.of(network).epochs(2).fit(new Dots(60, 1).both());
      assertArrayEquals(Dots.bits(middle), Dots.bits(network.parameter("features.weight")));
      assertNotEquals(Arrays.toString(lower), Arrays.toString(network.parameter("conv1.weight")));
    }
  }

  @Test
  void adaptsStatisticsOnlyWhereAsked() {
    try (Network network = Dots.rich(1)) {
      float[] mean = network.parameter("norm1.running_mean");
      network.freeze("conv1", "norm1");
      Trainer.of(network).epochs(2).fit(new Dots(60, 1).both());
      assertArrayEquals(mean, network.parameter("norm1.running_mean"));
      network.freeze("norm1", BatchNormStatistics.ADAPT);
      float[] weight = network.parameter("norm1.weight");
      Trainer.of(network).epochs(2).fit(new Dots(60, 1).both());
      assertFalse(Arrays.equals(mean, network.parameter("norm1.running_mean")));
      assertArrayEquals(weight, network.parameter("norm1.weight"));
    }
  }

  @Test
  void aPlanFreezesThroughALayerAndLetsItsStatisticsAdapt() {
    try (Network network = Dots.rich(1)) {
      TransferBuilder plan =
          network.transfer().freezeThrough("features", BatchNormStatistics.ADAPT).freeze("norm*");
      LayerSummary norm = byName(plan.layers()).get("norm1");
      assertTrue(norm.isFrozen() && norm.adaptsStatistics(), plan.explain());
      TransferBuilder nothing = network.transfer().freeze("conv1", BatchNormStatistics.ADAPT);
      assertTrue(
          assertThrows(IllegalArgumentException.class, nothing::explain)
              .getMessage()
              .contains("batch_norm"));
    }
  }

  @Test
  void aTypingErrorAmongPatternsChangesNothing() {
    try (Network network = Dots.rich(1)) {
      String before = network.summary();
      String message =
          assertThrows(IllegalArgumentException.class, () -> network.freeze("conv1", "featurse"))
              .getMessage();
      assertTrue(message.contains("did you mean 'features'?"), message);
      assertEquals(before, network.summary());
      assertThrows(
          IllegalArgumentException.class,
          () ->
              network
                  .freeze("*1", BatchNormStatistics.ADAPT)
                  .freeze("features", BatchNormStatistics.ADAPT));
      network.freeze("conv1");
      String frozen = network.summary();
      assertThrows(IllegalArgumentException.class, () -> network.unfreeze("conv1", "featurse"));
      assertEquals(frozen.lines().toList(), network.summary().lines().toList());
    }
  }

  @Test
  void aHeadThatIsNotThereIsAnsweredByThoseThatAre() {
    try (Network network = Dots.rich(1)) {
      for (String[] pair :
          new String[][] {{"sied", "did you mean 'side'?"}, {"nose", "there are 'quarter' and"}}) {
        TransferBuilder plan = network.transfer().dropHead(pair[0]).head("new", SIDES);
        String message = assertThrows(IllegalArgumentException.class, plan::explain).getMessage();
        assertTrue(message.contains(pair[1]), message);
      }
    }
  }

  @Test
  void unfreezesAgain() {
    try (Network network = Dots.classifier(1)) {
      network.freezeThrough("active").unfreeze("features");
      float[] lower = network.parameter("conv1.weight");
      float[] upper = network.parameter("features.weight");
      Trainer.of(network).epochs(1).fit(new Dots(40, 1).classes());
      assertArrayEquals(lower, network.parameter("conv1.weight"));
      assertFalse(Arrays.equals(upper, network.parameter("features.weight")));
      network.unfreezeThrough("active");
      assertTrue(network.layers().stream().noneMatch(LayerSummary::isFrozen));
      network.freeze("*");
      assertThrows(
          IllegalStateException.class, () -> Trainer.of(network).fit(new Dots(40, 1).classes()));
    }
  }

  @Test
  void transfersFromAFile(@TempDir Path folder) {
    Path file = folder.resolve("backbone.safetensors");
    long handles = Espalier.liveHandles();
    try (Network network = Dots.rich(3)) {
      network.save(file);
      TransferBuilder plan =
          Network.transferFrom(file).freezeThrough("features").head("side", SIDES);
      try (Network other = plan.build(4);
          Network again = plan.build(4)) {
        assertArrayEquals(network.parameter("conv1.weight"), other.parameter("conv1.weight"));
        assertEquals(List.of("side"), other.tasks().stream().map(Task::name).toList());
        Dots.assertSameBits(other, again);
      }
      assertTrue(plan.explain().contains("dropped"));
    }
    assertEquals(handles, Espalier.liveHandles());
  }

  @Test
  void reinitializesAllLayersAsIfJustBuilt() {
    try (Network built = Dots.classifier(7);
        Network other = Dots.classifier(1);
        Network anew = other.transfer().reinitialize().build(7)) {
      assertEquals(built.layers(), anew.layers());
      assertEquals(built.parameters(), anew.parameters());
      for (ParameterSummary parameter : built.parameters()) {
        assertArrayEquals(
            built.parameter(parameter.path()), anew.parameter(parameter.path()), parameter.path());
      }
      assertFalse(Arrays.equals(other.parameter("conv1.weight"), anew.parameter("conv1.weight")));
    }
  }

  @Test
  void reinitializingKeepsConstantsFreezingAndNormalization() {
    LayerOptions table = LayerOptions.defaults().set("shape", 2).set("initializer_value", 0.5);
    try (Network network =
            Network.builder(Shape.vector(2))
                .normalize(3, 2)
                .dense("mixed", 2)
                .layer("table", "constant", table)
                .add("moved", "mixed", "table")
                .head("side", Head.labels("a"))
                .build(1);
        Network anew =
            network
                .setParameter("table.value", new float[] {4, 5})
                .transfer()
                .freeze("mixed")
                .dropHead("side")
                .head("other", Head.labels("b"))
                .reinitialize()
                .build(2)) {
      assertArrayEquals(new float[] {4, 5}, anew.parameter("table.value"));
      assertTrue(byName(anew.layers()).get("mixed").isFrozen());
      assertEquals(List.of("b"), anew.tasks().get(0).outputNames());
      assertFalse(Arrays.equals(network.parameter("mixed.weight"), anew.parameter("mixed.weight")));
      try (Predictor predictor = anew.predictor(PredictorOptions.defaults().layers("mixed"))) {
        // Biases start at 0: so does what is the mean.
        assertArrayEquals(new float[2], predictor.predict(new float[] {3, 3}), 0);
      }
    }
  }
}
