// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Training in stages, averaged weights, and the pull towards the start. */
class StagesTest {
  private static final String CONV = "conv1.weight";

  private final Dots dots = new Dots(80, 1);
  private final Dots others = new Dots(60, 2);

  private static Network frozen() {
    try (Network backbone = Dots.classifier(3)) {
      return backbone
          .transfer()
          .dropHead("quarter")
          .freezeThrough("active")
          .head("side", Head.labels("low", "right"))
          .build(1);
    }
  }

  private static Trainer trainer(Network network) {
    return Trainer.of(network).optimizer(AdamW.withLearningRate(0.02)).batchSize(16);
  }

  @Test
  void headFirstThenAll() {
    try (Network network = frozen()) {
      float[] before = network.parameter(CONV);
      List<float[]> atEpochs = new ArrayList<>();
      History history =
          trainer(network)
              .stages(Stage.asItIs().steps(12), Stage.unfreezing("*").epochs(2).learningRate(0.5))
              .schedule(Schedule.cosine().warmup(3))
              .listener(epoch -> atEpochs.add(network.parameter(CONV)))
              .fit(dots.labels());
      assertEquals(22, history.steps());
      assertEquals(History.StopReason.EPOCHS, history.stopReason());
      List<EpochResult> epochs = history.epochs();
      assertEquals(List.of(0, 0, 0, 1, 1), epochs.stream().map(EpochResult::stage).toList());
      assertEquals(List.of(0, 1, 2, 3, 4), epochs.stream().map(EpochResult::epoch).toList());
      assertArrayEquals(before, atEpochs.get(2));
      assertFalse(Arrays.equals(before, atEpochs.get(3)));
      // One schedule of 22 steps: the last rate is that of step 21, by the stage's half.
      double angle = Math.PI * (21 - 3) / (22 - 3);
      assertEquals(0.5 * 0.02 * 0.5 * (1 + Math.cos(angle)), history.last().learningRate(), 1e-9);
      assertTrue(history.isCached());
      assertTrue(network.layers().stream().noneMatch(LayerSummary::isFrozen));
    }
  }

  @Test
  void twoStagesOfTheSameLayersAreOne() {
    try (Network one = Dots.rich(1);
        Network two = one.copy()) {
      trainer(one).epochs(4).fit(dots.both());
      trainer(two).stages(Stage.asItIs().epochs(1), Stage.asItIs().epochs(3)).fit(dots.both());
      for (ParameterSummary parameter : one.parameters()) {
        // Dropout and shuffling go on, too.
        assertArrayEquals(one.parameter(parameter.path()), two.parameter(parameter.path()));
      }
    }
  }

  @Test
  void theBestOfAllStagesStays() {
    try (Network network = frozen()) {
      History history =
          trainer(network)
              .validation(others.labels())
              .keepBest("side", Metric.MACRO_AUC)
              .stages(Stage.asItIs().epochs(20), Stage.unfreezing("*").epochs(3).learningRate(50))
              .fit(dots.labels());
      assertTrue(history.bestEpoch().isPresent());
      double best = history.epochs().stream().mapToDouble(StagesTest::auc).max().orElseThrow();
      assertEquals(best, auc(history.epochs().get(history.bestEpoch().getAsInt())));
      Evaluation now = network.evaluate(others.labels());
      assertEquals(best, now.task("side").metric(Metric.MACRO_AUC).value(), 1e-6);
    }
  }

  private static double auc(EpochResult epoch) {
    return epoch.validation().orElseThrow().task("side").metric(Metric.MACRO_AUC).value();
  }

  @Test
  void aStageThatEndsEarlyIsFollowedByTheNext() {
    try (Network network = frozen()) {
      Dataset noYes = Datasets.of(others.pictures, Dots.PICTURE, new float[60][2]);
      History history =
          trainer(network)
              .validation(noYes)
              .earlyStopping(2, "side", Metric.MACRO_AUC)
              .stages(Stage.asItIs().epochs(9), Stage.unfreezing("conv1").epochs(9))
              .fit(dots.labels());
      assertEquals(4, history.epochs().size());
      assertEquals(History.StopReason.EARLY_STOPPING, history.stopReason());
      assertEquals(1, history.warnings().size(), history::toString);
    }
  }

  @Test
  void groupsJoinInFromTheOutputDown() {
    try (Network network = Dots.rich(1)) {
      network.freezeThrough("active");
      List<Stage> stages = Stage.gradualUnfreezing(network, 2);
      assertEquals(
          List.of(Stage.asItIs(), Stage.unfreezing("features", "drop1"), Stage.unfreezing("conv1")),
          stages);
      assertThrows(IllegalArgumentException.class, () -> Stage.gradualUnfreezing(network, 3));
      trainer(network).stages(stages).epochs(1).fit(dots.both());
      assertEquals(
          List.of("norm1"),
          network.layers().stream()
              .filter(layer -> layer.isFrozen() && layer.parameterCount() > 0)
              .map(LayerSummary::name)
              .toList());
      network.unfreeze("*");
      assertThrows(IllegalArgumentException.class, () -> Stage.gradualUnfreezing(network, 1));
    }
  }

  @Test
  void aPatternThatMatchesNothingIsRefusedBeforeTraining() {
    try (Network network = frozen()) {
      float[] before = network.parameter("heads.side.dense.weight");
      Trainer trainer =
          trainer(network).stages(Stage.asItIs().epochs(2), Stage.unfreezing("conv7"));
      String message =
          assertThrows(IllegalArgumentException.class, () -> trainer.fit(dots.labels()))
              .getMessage();
      assertTrue(message.contains("conv7"), message);
      assertArrayEquals(before, network.parameter("heads.side.dense.weight"));
      assertTrue(network.layers().stream().anyMatch(LayerSummary::isFrozen));
    }
  }

  @Test
  void averagesAreWhatValidationAndTheEndSee() {
    try (Network network = frozen();
        Network plain = network.copy()) {
      String path = "heads.side.dense.weight";
      List<float[]> weights = new ArrayList<>();
      TrainingListener listener =
          new TrainingListener() {
            @Override
            public void onStep(StepResult step) {
              weights.add(network.parameter(path));
            }

            @Override
            public void onEpoch(EpochResult epoch) {}
          };
      float[] start = network.parameter(path);
      History history =
          trainer(network)
              .averageWeights(0.9)
              .validation(others.labels())
              .listener(listener)
              .epochs(5)
              .fit(dots.labels());
      trainer(plain).epochs(5).fit(dots.labels());
      assertArrayEquals(plain.parameter(path), weights.get(24));
      double[] average = new double[start.length];
      for (int i = 0; i < start.length; i++) {
        average[i] = start[i];
        for (int t = 0; t < weights.size(); t++) {
          double decay = Math.min(0.9, (1.0 + t) / (10.0 + t));
          average[i] = decay * average[i] + (1 - decay) * weights.get(t)[i];
        }
        assertEquals(average[i], network.parameter(path)[i], 1e-6);
      }
      assertEquals(
          history.last().validation().orElseThrow().loss(),
          network.evaluate(others.labels()).loss(),
          1e-6);
    }
  }

  @Test
  void theBackboneStaysNearerToItsStart() {
    try (Network free = frozen();
        Network held = free.copy()) {
      float[] start = free.parameter(CONV);
      trainer(free).stages(Stage.unfreezing("*")).epochs(5).fit(dots.labels());
      trainer(held).stages(Stage.unfreezing("*")).decayToStart(5).epochs(5).fit(dots.labels());
      double freely = distance(start, free.parameter(CONV));
      double heldBack = distance(start, held.parameter(CONV));
      assertTrue(heldBack < 0.7 * freely, heldBack + " and " + freely);
    }
  }

  private static double distance(float[] one, float[] other) {
    double squares = 0;
    for (int i = 0; i < one.length; i++) {
      squares += (one[i] - other[i]) * (double) (one[i] - other[i]);
    }
    return Math.sqrt(squares);
  }

  @Test
  void saysWhatItIs() {
    assertEquals(
        "Stage[unfreezing [conv*], 120 steps, rate × 0.3]",
        Stage.unfreezing("conv*").steps(120).learningRate(0.3).toString());
    assertEquals("Stage[as it is, 2 epochs]", Stage.asItIs().epochs(2).toString());
    assertEquals(Stage.asItIs().epochs(2), Stage.asItIs().epochs(2));
    assertThrows(IllegalArgumentException.class, Stage::unfreezing);
    try (Network network = Dots.labeller(1)) {
      Trainer trainer = Trainer.of(network);
      assertThrows(IllegalArgumentException.class, trainer::stages);
      assertThrows(IllegalArgumentException.class, () -> trainer.averageWeights(1));
      assertThrows(IllegalArgumentException.class, () -> trainer.decayToStart(-1));
    }
  }
}
