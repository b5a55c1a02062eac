// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Metrics of predictions from anywhere, and those of a network beside them. */
class MetricsTest {
  private static final float BLANK = Float.NaN;
  private static final Task SIDE = Task.of("side", Task.Kind.LABELS, List.of("low", "right"));
  private static final Task PET = Task.of("pet", Task.Kind.CLASSES, List.of("cat", "dog", "cow"));

  @Test
  void ofLogitsAreThoseOfTheNetworkThatHasThem() {
    Dots dots = new Dots(200, 5);
    try (Network network = Dots.rich(3);
        Predictor predictor = network.predictor(PredictorOptions.defaults().logits())) {
      network.setThresholds("side", 0.45, 0.55);
      float[][] quarters = new float[200][4];
      float[][] sides = new float[200][2];
      float[][] logits = predictor.predict(dots.both());
      for (int i = 0; i < 200; i++) {
        System.arraycopy(logits[i], 0, quarters[i], 0, 4);
        System.arraycopy(logits[i], 4, sides[i], 0, 2);
      }
      Evaluation evaluation = network.evaluate(dots.both());
      List<Task> tasks = network.tasks();
      assertEquals(
          evaluation.task("quarter").metrics(),
          Metrics.ofLogits(tasks.get(0), quarters, dots.quarters));
      assertEquals(
          evaluation.task("side").metrics(), Metrics.ofLogits(tasks.get(1), sides, dots.sides));
    }
  }

  /** By hand: of 3 x 3 pairs of a yes and a no, one is in the wrong order. */
  @Test
  void rankByLogitsThatShareAProbability() {
    Task task = Task.of("a", Task.Kind.LABELS, List.of("x"));
    float[][] logits = {{60}, {50}, {40}, {30}, {20}, {-60}};
    float[][] answers = {{1}, {1}, {0}, {1}, {0}, {0}};
    Metrics metrics = Metrics.ofLogits(task, logits, answers);
    assertEquals(8.0 / 9, metrics.metric(Metric.AUC, "x").value(), 1e-12);
    assertEquals(
        (1 + 1 + 3.0 / 4) / 3, metrics.metric(Metric.AVERAGE_PRECISION, "x").value(), 1e-12);
    // All but the last are 1 in float: one group of five.
    float[][] probabilities = {{1}, {1}, {1}, {1}, {1}, {0}};
    Metrics tied = Metrics.ofProbabilities(task, probabilities, answers);
    assertEquals((3 * 1 + 3 * 2 * 0.5) / 9, tied.metric(Metric.AUC, "x").value(), 1e-12);
  }

  @Test
  void thresholdedOnesAgreeWithWhatAPredictionSays() {
    SplittableRandom random = new SplittableRandom(4);
    Task task = SIDE.thresholds(List.of(0.25, 0.9999999));
    try (Network network =
        Network.builder(Shape.vector(2)).head("side", Head.labels("low", "right")).build(1)) {
      network.setParameter("heads.side.dense.weight", new float[] {1, 0, 0, 1});
      network.setThresholds("side", 0.25, 0.9999999);
      float[][] logits = new float[400][];
      float[][] answers = new float[400][];
      long[] hits = new long[2];
      long[] falseAlarms = new long[2];
      try (Predictor predictor = network.predictor()) {
        for (int i = 0; i < logits.length; i++) {
          logits[i] = new float[] {random.nextInt(-3, 3), 10 + 8 * (float) random.nextDouble()};
          answers[i] = new float[] {random.nextInt(2), random.nextInt(2)};
          List<String> said = predictor.predictNamed(logits[i]).labels("side");
          for (int j = 0; j < 2; j++) {
            boolean isSaid = said.contains(SIDE.outputNames().get(j));
            hits[j] += isSaid && answers[i][j] == 1 ? 1 : 0;
            falseAlarms[j] += isSaid && answers[i][j] == 0 ? 1 : 0;
          }
        }
      }
      Metrics metrics = Metrics.ofLogits(task, logits, answers);
      for (int j = 0; j < 2; j++) {
        AnswerCounts counts = metrics.counts(SIDE.outputNames().get(j));
        assertEquals(hits[j], counts.truePositives());
        assertEquals(falseAlarms[j], counts.falsePositives());
        assertTrue(counts.falsePositives() > 20 && counts.trueNegatives() > 20, counts::toString);
      }
    }
  }

  @Test
  void countKnownYesAndNoAndBlanks() {
    Metrics metrics =
        Metrics.ofProbabilities(
            SIDE,
            new float[][] {{0.9f, 0.9f}, {0.2f, 0.1f}, {0.8f, 0.3f}, {0.1f, 0.6f}},
            new float[][] {{1, BLANK}, {1, 0}, {0, BLANK}, {0, BLANK}});
    assertEquals(new AnswerCounts(1, 1, 1, 1, 0), metrics.counts("low"));
    AnswerCounts right = metrics.counts("right");
    assertEquals(0, right.knownYes());
    assertEquals(1, right.knownNo());
    assertEquals(3, right.blanks());
    assertEquals(0.5, metrics.metric(Metric.PRECISION, "low").value());
    assertEquals(2, metrics.metric(Metric.PRECISION, "low").support());
    assertFalse(metrics.metric(Metric.RECALL, "right").isDefined());
    assertThrows(IllegalArgumentException.class, () -> metrics.counts("left"));
    assertThrows(IllegalArgumentException.class, metrics::confusion);
  }

  @Test
  void confusionIsByTrueAndPredictedClass() {
    float[][] probabilities = {
      {0.7f, 0.2f, 0.1f}, {0.1f, 0.8f, 0.1f}, {0.2f, 0.5f, 0.3f}, {0.6f, 0.2f, 0.2f}, {0, 0, 1}
    };
    Metrics metrics = Metrics.ofProbabilities(PET, probabilities, new int[] {0, 1, 2, 1, -1});
    assertArrayEquals(new long[] {1, 0, 0}, metrics.confusion()[0]);
    assertArrayEquals(new long[] {1, 1, 0}, metrics.confusion()[1]);
    assertArrayEquals(new long[] {0, 1, 0}, metrics.confusion()[2]);
    assertEquals(1, metrics.counts("cow").blanks());
    assertEquals(2.0 / 3, metrics.metric(Metric.F1, "cat").value(), 1e-12);
    // Bins of 0.7, 0.8, 0.5 and 0.6: each holds one.
    assertEquals(
        (0.3 + 0.2 + 0.5 + 0.6) / 4,
        metrics.metric(Metric.EXPECTED_CALIBRATION_ERROR).value(),
        1e-6);
    metrics.confusion()[0][0] = 9;
    assertEquals(1, metrics.confusion()[0][0]);
  }

  @Test
  void ofTwoClassesAreAlsoThoseOfTheSecond() {
    Task task = Task.of("ill", Task.Kind.CLASSES, List.of("no", "yes"));
    float[][] logits = {{0, 90}, {0, 80}, {70, 0}, {80, 0}};
    Metrics metrics = Metrics.ofLogits(task, logits, new int[] {1, 0, 1, 0});
    assertEquals(3.0 / 4, metrics.metric(Metric.AUC).value(), 1e-12);
    assertEquals((1 + 2.0 / 3) / 2, metrics.metric(Metric.AVERAGE_PRECISION).value(), 1e-12);
    assertEquals(4, metrics.metric(Metric.AUC).support());
  }

  @Test
  void refuseWhatDoesNotFit() {
    float[][] two = {{0.5f, 0.5f}, {0.5f, 0.5f}};
    assertThrows(
        IllegalArgumentException.class, () -> Metrics.ofLogits(SIDE, two, new int[] {0, 1}));
    assertThrows(IllegalArgumentException.class, () -> Metrics.ofLogits(PET, two, two));
    assertThrows(ShapeException.class, () -> Metrics.ofLogits(PET, two, new int[] {0, 1}));
    assertThrows(ShapeException.class, () -> Metrics.ofLogits(SIDE, two, new float[1][2]));
    assertThrows(
        IllegalArgumentException.class,
        () -> Metrics.ofProbabilities(SIDE, new float[][] {{1.5f, 0}}, new float[1][2]));
    assertThrows(
        NonFiniteException.class,
        () -> Metrics.ofLogits(SIDE, new float[][] {{BLANK, 0}}, new float[1][2]));
    Metrics.ofLogits(SIDE, new float[][] {{BLANK, 0}}, new float[][] {{BLANK, 1}});
    assertThrows(
        IllegalArgumentException.class,
        () -> Metrics.ofLogits(SIDE, two, new float[][] {{1, 1}, {2, 1}}));
  }

  @Test
  void readAsTables() {
    Metrics labels =
        Metrics.ofProbabilities(
            SIDE,
            new float[][] {{0.9f, 0.9f}, {0.2f, 0.1f}, {0.8f, 0.3f}, {0.1f, 0.6f}},
            new float[][] {{1, BLANK}, {1, 0}, {0, BLANK}, {0, BLANK}});
    List<String> lines = labels.toString().lines().toList();
    assertTrue(lines.get(1).matches("hamming_loss +0\\.4000 +5"), labels::toString);
    assertTrue(
        lines
            .get(lines.size() - 3)
            .matches("label +yes +no +blank +threshold +auc .*precision +recall +f1 +accuracy .*"),
        labels::toString);
    assertTrue(
        lines.get(lines.size() - 1).matches("right +0 +1 +3 +0\\.5000 +- .*"), labels::toString);
    Metrics classes = Metrics.ofProbabilities(PET, new float[][] {{1, 0, 0}}, new int[] {1});
    assertTrue(classes.toString().contains("true \\ predicted  cat  dog  cow"), classes::toString);
    assertTrue(classes.toString().matches("(?s).*\ndog +1 +0 +0\n.*"), classes::toString);
  }
}
