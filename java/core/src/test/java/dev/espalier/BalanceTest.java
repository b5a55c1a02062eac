// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BalanceTest {
  @TempDir Path folder;

  static Stream<Balance> rules() {
    return Stream.of(
        Balance.uncertainty(0.05), Balance.uwSo(0.5), Balance.famo(0.05, 0.01), Balance.pcGrad());
  }

  /** Each question is known of some examples alone, and "side" of none of the last. */
  private static Dataset data(Dots dots) {
    int count = dots.quarters.length;
    float[][] sides = new float[count][];
    for (int i = 0; i < count; i++) {
      sides[i] = dots.sides[i].clone();
      dots.quarters[i] = i % 3 == 0 ? -1 : dots.quarters[i];
      if (i % 5 < 2 || i >= count - 16) {
        sides[i][0] = Float.NaN;
        sides[i][1] = Float.NaN;
      }
    }
    return Datasets.withTargets(Datasets.forTask(dots.classes(), "quarter"), "side", sides);
  }

  private static Trainer trainer(Network network, Balance balance) {
    return Trainer.of(network)
        .balance(balance)
        .optimizer(AdamW.withLearningRate(0.01))
        .batchSize(16)
        .shuffle(false)
        .epochs(3)
        .seed(4);
  }

  @ParameterizedTest
  @MethodSource("rules")
  void weightsAreToldOfEachStepAndEpoch(Balance balance) {
    List<StepResult> steps = new ArrayList<>();
    History history;
    try (Network network = Dots.rich(1)) {
      history =
          trainer(network, balance)
              .listener(
                  new TrainingListener() {
                    @Override
                    public void onEpoch(EpochResult epoch) {}

                    @Override
                    public void onStep(StepResult step) {
                      steps.add(step);
                    }
                  })
              .fit(data(new Dots(64, 1)));
    }
    EpochResult last = history.last();
    List<StepResult> ofLast = steps.subList(8, 12);
    for (String task : List.of("quarter", "side")) {
      List<Double> weights =
          ofLast.stream().map(s -> s.taskWeights().get(task)).filter(w -> !w.isNaN()).toList();
      assertEquals(task.equals("side") ? 3 : 4, weights.size());
      double mean = weights.stream().mapToDouble(w -> w).average().orElseThrow();
      assertEquals(mean, last.taskWeights().get(task), 1e-12);
      assertNotEquals(1.0, mean);
    }
    assertTrue(last.toString().contains(", weights quarter "), last::toString);
    assertEquals(last.loss(), last.taskLosses().values().stream().mapToDouble(x -> x).sum(), 1e-9);
  }

  @Test
  void plainWeightsAreTheDefaultAndSay1() {
    try (Network network = Dots.rich(1);
        Network same = Dots.rich(1)) {
      Dataset data = data(new Dots(64, 1));
      History history = trainer(network, Balance.plain()).fit(data);
      assertEquals(Map.of("quarter", 1.0, "side", 1.0), history.last().taskWeights());
      assertFalse(history.toString().contains("weights "));
      Trainer.of(same)
          .optimizer(AdamW.withLearningRate(0.01))
          .batchSize(16)
          .shuffle(false)
          .epochs(3)
          .seed(4)
          .fit(data);
      Dots.assertSameBits(network, same);
    }
  }

  /** Known to no example: its weight is told of as unknown, and nothing of it moves. */
  @ParameterizedTest
  @MethodSource("rules")
  void aTaskWithoutAnyAnswerChangesNothing(Balance balance) {
    Dots dots = new Dots(64, 1);
    Dataset sides = Datasets.forTask(dots.labels(), "side");
    try (Network both = Dots.rich(1);
        Network one = both.transfer().dropHead("quarter").build(1)) {
      Map<String, float[]> before = Dots.parameters(both);
      History history = trainer(both, balance).fit(sides);
      trainer(one, balance).fit(sides);
      assertTrue(history.last().taskWeights().get("quarter").isNaN());
      Map<String, float[]> after = Dots.parameters(both);
      Map<String, float[]> left = Dots.parameters(both);
      left.keySet().retainAll(Dots.parameters(one).keySet());
      Dots.assertSameBits(Dots.parameters(one), left);
      before.keySet().removeIf(path -> !path.startsWith("heads.quarter"));
      after.keySet().retainAll(before.keySet());
      Dots.assertSameBits(before, after);
    }
  }

  @ParameterizedTest
  @MethodSource("rules")
  void goesOnFromACheckpointToTheSameBits(Balance balance) {
    Dataset data = data(new Dots(70, 1));
    UnaryOperator<Trainer> stages =
        t -> t.stages(Stage.asItIs().epochs(2), Stage.unfreezing("*").epochs(3));
    Map<String, float[]> expected;
    History whole;
    try (Network network = frozen()) {
      whole = stages.apply(trainer(network, balance)).fit(data);
      expected = Dots.parameters(network);
    }
    Checkpoints checkpoints = Checkpoints.in(folder).everySteps(2).resuming();
    int fits = 0;
    for (History last = null;
        last == null || last.stopReason() == History.StopReason.CANCELLED;
        fits++) {
      try (Network network = frozen()) {
        Trainer trainer = stages.apply(trainer(network, balance)).checkpoints(checkpoints);
        int[] left = {7};
        last =
            trainer
                .listener(
                    new TrainingListener() {
                      @Override
                      public void onEpoch(EpochResult epoch) {}

                      @Override
                      public void onStep(StepResult step) {
                        if (--left[0] == 0) {
                          trainer.cancel();
                        }
                      }
                    })
                .fit(data);
        if (last.stopReason() != History.StopReason.CANCELLED) {
          Dots.assertSameBits(expected, Dots.parameters(network));
          assertEquals(weights(whole), weights(last));
        }
      }
    }
    assertTrue(fits > 2);
  }

  private static Network frozen() {
    try (Network network = Dots.rich(1)) {
      return network.transfer().freezeThrough("norm1").build(3);
    }
  }

  private static List<Map<String, Double>> weights(History history) {
    return history.epochs().stream().map(EpochResult::taskWeights).toList();
  }

  @Test
  void aCheckpointOfAnotherBalanceIsRefused() {
    Dataset data = data(new Dots(64, 1));
    Checkpoints checkpoints = Checkpoints.in(folder);
    try (Network network = Dots.rich(1)) {
      trainer(network, Balance.famo()).checkpoints(checkpoints).fit(data);
      Trainer other = trainer(network, Balance.uncertainty()).checkpoints(checkpoints.resuming());
      String message =
          assertThrows(IllegalStateException.class, () -> other.fit(data)).getMessage();
      assertTrue(
          message.contains(
              "balance: {decay=0.01, kind=famo, learning_rate=0.025} there, {kind=uncertainty,"
                  + " learning_rate=0.01} here"),
          message);
    }
  }

  @Test
  void whatComputesABatchAgainRefusesLossesOfOnesOwn() {
    Loss squared =
        batch -> {
          double sum = 0;
          for (int i = 0; i < batch.mask().length; i++) {
            if (batch.mask()[i]) {
              float error = batch.logits()[i] - batch.targets()[i];
              sum += error * error;
              batch.gradients()[i] = 2 * error;
            }
          }
          return sum;
        };
    Dataset data = data(new Dots(64, 1));
    try (Network network = Dots.rich(1)) {
      Map<String, float[]> before = Dots.parameters(network);
      for (Balance balance : List.of(Balance.famo(), Balance.pcGrad())) {
        Trainer trainer = trainer(network, balance).loss("side", squared);
        String message =
            assertThrows(IllegalArgumentException.class, () -> trainer.fit(data)).getMessage();
        assertTrue(message.contains("balance: expected no losses of the caller's own"), message);
      }
      Dots.assertSameBits(before, Dots.parameters(network));
      History history = trainer(network, Balance.uwSo()).loss("side", squared).fit(data);
      assertNotEquals(1.0, history.last().taskWeights().get("side"));
    }
  }

  @Test
  void adaptationsPassItOn() {
    Dataset data = data(new Dots(64, 1));
    try (Network backbone = Dots.classifier(1);
        Adapted adapted =
            Adaptation.of(backbone)
                .head("quarter", Head.classes(4))
                .head("side", Head.labels("low", "right"))
                .settings(List.of(AdaptationSetting.headAlone(0.01)))
                .headSteps(4)
                .balance(Balance.uwSo(0.5))
                .fit(data, data(new Dots(64, 2)))) {
      assertNotEquals(1.0, adapted.report().history().last().taskWeights().get("side"));
    }
  }

  @Test
  void settingsAreChecked() {
    assertEquals("{kind=uw_so, temperature=2.0}", Balance.uwSo(2).toString());
    assertEquals(Balance.famo(), Balance.famo(0.025, 0.01));
    assertNotEquals(Balance.famo(), Balance.famo(0.025, 0.02));
    assertRefused(
        "learningRate: expected above 0 and at most 1, got 0.0", () -> Balance.uncertainty(0));
    assertRefused(
        "learningRate: expected above 0 and at most 1, got NaN",
        () -> Balance.uncertainty(Double.NaN));
    assertRefused(
        "temperature: expected a finite number above 0, got -1.0", () -> Balance.uwSo(-1));
    assertRefused("decay: expected 0.0 to 1.0, got 2.0", () -> Balance.famo(0.1, 2));
  }

  private static void assertRefused(String message, Runnable call) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, call::run).getMessage());
  }
}
