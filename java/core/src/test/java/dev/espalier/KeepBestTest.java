// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The best weights, without stopping; and what a history warns of. */
class KeepBestTest {
  private final Dots dots = new Dots(80, 1);
  private final Dots others = new Dots(60, 2);

  private static Trainer wild(Network network) {
    return Trainer.of(network).optimizer(AdamW.withLearningRate(0.05)).batchSize(8).epochs(12);
  }

  @Test
  void goesThroughAllEpochsAndPutsTheBestWeightsBack() {
    try (Network network = Dots.rich(1)) {
      History history =
          wild(network)
              .validation(others.both())
              .keepBest("quarter", Metric.LOG_LOSS)
              .fit(dots.both());
      assertEquals(History.StopReason.EPOCHS, history.stopReason());
      assertEquals(12, history.epochs().size());
      int best =
          IntStream.range(0, 12)
              .reduce((a, b) -> cost(history, b) < cost(history, a) ? b : a)
              .orElseThrow();
      assertEquals(best, history.bestEpoch().orElseThrow());
      assertTrue(cost(history, best) < cost(history, 11), history::toString);
      assertEquals(
          cost(history, best),
          network.evaluate(others.both()).task("quarter").metric(Metric.LOG_LOSS).value(),
          1e-6);
    }
  }

  private static double cost(History history, int epoch) {
    Evaluation validation = history.epochs().get(epoch).validation().orElseThrow();
    return validation.task("quarter").metric(Metric.LOG_LOSS).value();
  }

  @Test
  void watchesTheLossWithoutAName() {
    try (Network network = Dots.rich(1)) {
      History history = wild(network).validation(others.both()).keepBest().fit(dots.both());
      double best =
          history.epochs().get(history.bestEpoch().orElseThrow()).validationLoss().getAsDouble();
      assertEquals(
          history.epochs().stream().mapToDouble(e -> e.validationLoss().getAsDouble()).min(),
          OptionalDouble.of(best));
      assertEquals(best, network.evaluate(others.both()).loss(), 1e-5);
    }
  }

  @Test
  void needsValidationAndAMetricThatThereIs() {
    try (Network network = Dots.rich(1)) {
      IllegalStateException error =
          assertThrows(
              IllegalStateException.class, () -> wild(network).keepBest().fit(dots.both()));
      assertTrue(error.getMessage().contains("keepBest"), error.getMessage());
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () ->
                      wild(network)
                          .validation(others.both())
                          .keepBest("side", "macro_acu")
                          .fit(dots.both()))
              .getMessage();
      assertTrue(message.contains("did you mean 'macro_auc'"), message);
      float[][] unknown = new float[60][];
      Arrays.fill(unknown, new float[] {Float.NaN, Float.NaN});
      Dataset unlabelled =
          Datasets.withTargets(Datasets.forTask(others.labels(), "side"), "side", unknown);
      message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> wild(network).validation(unlabelled).keepBest().fit(dots.both()))
              .getMessage();
      assertTrue(message.contains("entry for keepBest to watch"), message);
      wild(network)
          .epochs(1)
          .validation(others.both())
          .earlyStopping(1, "quarter", Metric.EXPECTED_CALIBRATION_ERROR)
          .fit(dots.both());
    }
  }

  @Test
  void warnsOfAWatchedMetricThatIsNeverDefined() {
    Dataset noYes = Datasets.of(others.pictures, Dots.PICTURE, new float[60][2]);
    try (Network network = Dots.labeller(1)) {
      History history =
          wild(network)
              .validation(noYes)
              .earlyStopping(3, "side", Metric.MACRO_AUC)
              .fit(dots.labels());
      assertEquals(History.StopReason.EARLY_STOPPING, history.stopReason());
      assertEquals(3, history.epochs().size());
      assertTrue(history.bestEpoch().isEmpty());
      assertEquals(1, history.warnings().size(), history::toString);
      String warning = history.warnings().get(0);
      assertTrue(warning.contains("macro_auc of task \"side\" was never defined"), warning);
      assertTrue(history.toString().contains(", macro_auc of side undefined"), history::toString);
      history =
          wild(network)
              .epochs(2)
              .validation(others.labels())
              .keepBest("side", Metric.MACRO_AUC)
              .fit(dots.labels());
      assertEquals(List.of(), history.warnings());
      EpochResult first = history.epochs().get(0);
      String value =
          String.format(
              Locale.ROOT,
              ", macro_auc of side %.4f (best so far)",
              first.validation().orElseThrow().metric(Metric.MACRO_AUC).value());
      assertTrue(first.toString().contains(value), first::toString);
    }
    try (Network network =
        Network.builder(Dots.PICTURE).head("side", Head.values("low", "right")).build(1)) {
      History history =
          Trainer.of(network)
              .epochs(2)
              .validation(noYes)
              .keepBest("side", Metric.R2)
              .fit(dots.labels());
      assertTrue(history.bestEpoch().isEmpty());
      assertEquals(1, history.warnings().size(), history::toString);
    }
  }

  /** A rate far too large: errors grow from step to step, until something is infinite. */
  @Test
  void putsTheBestWeightsBackWhereTrainingDiverges() {
    try (Network network =
        Network.builder(Dots.PICTURE).head("side", Head.values("low", "right")).build(1)) {
      Trainer trainer =
          Trainer.of(network)
              .optimizer(Sgd.withLearningRate(5))
              .batchSize(80)
              .epochs(1000)
              .validation(others.labels())
              .keepBest();
      String message =
          assertThrows(NonFiniteException.class, () -> trainer.fit(dots.labels())).getMessage();
      assertTrue(message.contains("a lower learning rate"), message);
      History history = trainer.lastHistory().orElseThrow();
      assertEquals(History.StopReason.FAILED, history.stopReason());
      int best = history.bestEpoch().orElseThrow();
      double loss = history.epochs().get(best).validationLoss().orElseThrow();
      assertTrue(loss < 1e-3 * history.last().validationLoss().orElseThrow(), history::toString);
      assertEquals(loss, network.evaluate(others.labels()).loss(), 1e-5 * loss);
    }
  }

  /** A data set that says nothing of itself. */
  private static Dataset unstable(Dataset base) {
    return new DerivedDataset(base) {
      @Override
      Dataset over(Dataset other) {
        return unstable(other);
      }

      @Override
      public boolean isStable() {
        return false;
      }
    };
  }

  @Test
  void warnsOfFeaturesThatAreComputedAnew() {
    try (Network network = Dots.rich(1)) {
      network.freezeThrough("active");
      Trainer trainer = Trainer.of(network).epochs(1);
      assertEquals(List.of(), trainer.fit(dots.both()).warnings());
      List<String> warnings = trainer.fit(unstable(dots.both())).warnings();
      assertEquals(1, warnings.size(), warnings::toString);
      assertTrue(warnings.get(0).contains("stable"), warnings::toString);
      History history = trainer.validation(unstable(others.both())).fit(dots.both());
      assertTrue(history.warnings().get(0).contains("validation"), history::toString);
      assertTrue(history.toString().contains("warning: "), history::toString);
      assertEquals(List.of(), trainer.featureCache(false).fit(unstable(dots.both())).warnings());
    }
  }

  @Test
  void warnsOfLabelsWithoutAKnownYesOrNo() {
    float[][] sides = dots.sides.clone();
    for (int i = 0; i < sides.length; i++) {
      sides[i] = new float[] {Float.NaN, 1};
    }
    try (Network network = Dots.labeller(1)) {
      History history =
          Trainer.of(network).epochs(2).fit(Datasets.of(dots.pictures, Dots.PICTURE, sides));
      assertEquals(
          List.of(
              "task \"side\": the training data has no known yes of the labels [low]",
              "task \"side\": the training data has no known no of the labels [low, right]"),
          history.warnings());
    }
    int[] quarters = dots.quarters.clone();
    IntStream.range(0, quarters.length)
        .forEach(i -> quarters[i] = quarters[i] == 2 ? -1 : quarters[i]);
    try (Network network = Dots.classifier(1)) {
      History history =
          Trainer.of(network)
              .epochs(1)
              .fit(Datasets.ofClasses(dots.pictures, Dots.PICTURE, quarters));
      assertEquals(
          List.of("task \"quarter\": the training data has no example of the classes [2]"),
          history.warnings());
    }
  }
}
