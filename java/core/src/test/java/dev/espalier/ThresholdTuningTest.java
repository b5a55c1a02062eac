// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What tuneThresholds finds, against all thresholds that tell any two examples apart. */
class ThresholdTuningTest {
  private static final List<String> LABELS = List.of("a", "b", "c");

  private static double f1(float[] probabilities, float[] answers, double threshold) {
    int hits = 0;
    int predicted = 0;
    int yes = 0;
    for (int i = 0; i < answers.length; i++) {
      if (!Float.isNaN(answers[i])) {
        boolean isPredicted = probabilities[i] >= threshold;
        hits += isPredicted && answers[i] == 1 ? 1 : 0;
        predicted += isPredicted ? 1 : 0;
        yes += answers[i] == 1 ? 1 : 0;
      }
    }
    return predicted + yes == 0 ? 0 : 2.0 * hits / (predicted + yes);
  }

  private static double bestOfAll(float[] probabilities, float[] answers) {
    TreeSet<Double> thresholds = new TreeSet<>(List.of(0.0, 0.5, 1.0));
    for (float probability : probabilities) {
      thresholds.add((double) probability);
    }
    return thresholds.stream().mapToDouble(t -> f1(probabilities, answers, t)).max().orElseThrow();
  }

  /** Asserts that what a predictor decides has the best F1 that there is, label by label. */
  private static void assertBest(Network network, Dataset data, float[][] answers) {
    try (Predictor predictor = network.predictor()) {
      for (int j = 0; j < LABELS.size(); j++) {
        float[] probabilities = new float[answers.length];
        float[] decided = new float[answers.length];
        float[] known = new float[answers.length];
        for (int i = 0; i < answers.length; i++) {
          Prediction prediction = predictor.predictNamed(Datasets.input(data, i));
          probabilities[i] = prediction.value("side", LABELS.get(j));
          decided[i] = prediction.labels("side").contains(LABELS.get(j)) ? 1 : 0;
          known[i] = answers[i][j];
        }
        assertEquals(bestOfAll(probabilities, known), f1(decided, known, 1), 1e-12, LABELS.get(j));
      }
    }
  }

  @Test
  void decisionsHaveTheBestF1OfAllThresholds() {
    SplittableRandom random = new SplittableRandom(1);
    for (int round = 0; round < 8; round++) {
      int count = 60;
      float[] inputs = new float[count * 4];
      for (int i = 0; i < inputs.length; i++) {
        inputs[i] = random.nextInt(5) - 2;
      }
      float[][] answers = new float[count][3];
      for (float[] answer : answers) {
        for (int j = 0; j < 3; j++) {
          int drawn = random.nextInt(10);
          answer[j] = drawn < 3 ? Float.NaN : drawn < 6 ? 1 : 0;
        }
      }
      Dataset data = Datasets.forTask(Datasets.of(inputs, Shape.vector(4), answers), "side");
      try (Network network =
          Network.builder(Shape.vector(4))
              .head("before", Head.classes(5))
              .head("side", Head.labels("a", "b", "c").initializer(Initializer.LECUN_NORMAL))
              .head("after", Head.labels("a"))
              .build(round)) {
        float[] weights = network.parameter("heads.side.dense.weight");
        for (int i = 0; i < weights.length; i++) {
          weights[i] *= round % 2 == 0 ? 1 : 20; // of the latter, many probabilities are 0 or 1
        }
        network.setParameter("heads.side.dense.weight", weights);
        network.tuneThresholds(data);
        assertBest(network, data, answers);
        assertEquals(List.of(0.5), network.tasks().get(2).thresholds());
      }
    }
  }

  /** Logits of 20 and 25 have one probability in float, so no threshold tells them apart. */
  @Test
  void probabilitiesThatAreOneFloatAreNotToldApart() {
    float[] inputs = {20, 20, 20, 25, 25, 2};
    float[][] answers = new float[6][];
    for (int i = 0; i < 6; i++) {
      answers[i] = new float[] {i < 3 ? 0 : 1, Float.NaN, 0};
    }
    Dataset data = Datasets.of(inputs, Shape.vector(1), answers);
    try (Network network =
        Network.builder(Shape.vector(1)).head("side", Head.labels("a", "b", "c")).build(1)) {
      network.setParameter("heads.side.dense.weight", new float[] {1, 1, 1});
      network.tuneThresholds(data);
      assertBest(network, data, answers);
      List<Double> thresholds = network.tasks().get(0).thresholds();
      assertTrue(thresholds.get(0) < 0.88, thresholds::toString);
      assertEquals(List.of(0.5, 0.5), thresholds.subList(1, 3));
    }
  }

  @Test
  void onlyLabelsHaveThresholds() {
    Dataset data = Datasets.of(new float[][] {{1}, {2}}, new float[][] {{0.5f}, {1.5f}});
    try (Network network =
        Network.builder(Shape.vector(1)).head("size", Head.values("size")).build(1)) {
      assertEquals(
          "tuneThresholds: expected targets of a task of labels, got none: only labels have"
              + " thresholds",
          assertThrows(IllegalArgumentException.class, () -> network.tuneThresholds(data))
              .getMessage());
    }
  }

  @Test
  void inputsThatAreNotFiniteAreRefused() {
    Dots dots = new Dots(20, 1);
    dots.pictures[7 * 64 + 5] = Float.NaN;
    try (Network network = Dots.labeller(1)) {
      String message =
          assertThrows(NonFiniteException.class, () -> network.tuneThresholds(dots.labels()))
              .getMessage();
      assertTrue(message.contains("example 7"), message);
      assertThrows(NonFiniteException.class, () -> network.calibrate(dots.labels()));
      assertThrows(NonFiniteException.class, () -> network.evaluate(dots.labels()));
    }
  }
}
