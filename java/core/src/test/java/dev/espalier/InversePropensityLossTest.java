// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class InversePropensityLossTest {
  private static final List<String> NAMES = List.of("low", "right");

  private static InversePropensityLoss of(float[]... propensities) {
    return InversePropensityLoss.of(NAMES, propensities);
  }

  /** An example at the second place, in training. */
  private static LossBatch second(List<String> names) {
    LossBatch batch = new LossBatch(Task.of("side", Task.Kind.LABELS, names), 1, true);
    batch.logits()[0] = 0.5f;
    batch.logits()[1] = -2;
    batch.targets()[0] = 1;
    batch.targets()[1] = 0;
    Dataset data = Datasets.of(new float[4][1], new float[][] {{1, 0}, {1, 0}, {1, 0}, {1, 0}});
    try (Network network =
        Network.builder(Shape.vector(1)).head("side", Head.labels("a", "b")).build(1)) {
      Batch read =
          new Batch(TargetBinding.of(network.tasks(), network.networkInputs(), data), 1, true);
      read.read(data, new int[] {1}, 0, 1);
      batch.copyPlaces(read, 0);
    }
    batch.begin();
    return batch;
  }

  private static double logistic(double z, double y) {
    return Math.log(1 + Math.exp(z)) - y * z;
  }

  @Test
  void hasNoProblemInEvaluation() {
    for (int width : new int[] {1, 3, 8}) {
      String[] names = new String[width];
      java.util.Arrays.setAll(names, j -> "output" + j);
      InversePropensityLoss loss =
          InversePropensityLoss.of(List.of(names), new float[][] {new float[width]});
      List<String> problems =
          LossCheck.problems(
              Task.Kind.LABELS,
              batch -> batch.width() == width ? loss.compute(batch) : OwnLossTest.logistic(batch));
      assertEquals(List.of(), problems);
    }
  }

  /** Means .4 and .65; the weights of the second example are .4 / .1 and .65 / .8. */
  @Test
  void weightsWhatWasUnlikelyToBeKnown() {
    InversePropensityLoss loss = of(new float[] {0.7f, 0.5f}, new float[] {0.1f, 0.8f});
    LossBatch batch = second(NAMES);
    double expected = 4 * logistic(0.5, 1) + 0.8125 * logistic(-2, 0);
    assertEquals(expected, loss.compute(batch), 1e-6);
    assertEquals(4 * (1 / (1 + Math.exp(-0.5)) - 1), batch.gradients()[0], 1e-6);
    double capped = 1.5 * logistic(0.5, 1) + 0.8125 * logistic(-2, 0);
    assertEquals(capped, loss.mostWeight(1.5).compute(second(NAMES)), 1e-6);
  }

  @Test
  void matchesLabelsByName() {
    InversePropensityLoss loss = of(new float[] {0.7f, 0.5f}, new float[] {0.1f, 0.8f});
    double expected = 0.8125 * logistic(0.5, 1) + 4 * logistic(-2, 0);
    assertEquals(expected, loss.compute(second(List.of("right", "low"))), 1e-6);
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> loss.compute(second(List.of("right", "l"))))
            .getMessage();
    assertTrue(message.contains("right") && message.contains("low"), message);
  }

  @Test
  void aPropensityOfZeroHasTheLargestWeight() {
    InversePropensityLoss loss = of(new float[] {1, 0}, new float[] {0, 0});
    double expected = 10 * logistic(0.5, 1) + logistic(-2, 0);
    assertEquals(expected, loss.compute(second(NAMES)), 1e-6);
  }

  /**
   * Examples with x above 0 are labelled nine times as often, and there the answer is yes more
   * often than elsewhere: the share of yes among all is found by weights alone.
   */
  @Test
  void correctsWhoWasAsked() {
    SplittableRandom random = new SplittableRandom(1);
    int count = 4000;
    float[][] inputs = new float[count][1]; // always 0: the network can learn the share alone
    float[][] answers = new float[count][1];
    float[][] propensities = new float[count][1];
    for (int i = 0; i < count; i++) {
      boolean isAbove = random.nextBoolean();
      propensities[i][0] = isAbove ? 0.9f : 0.1f;
      boolean isYes = random.nextDouble() < (isAbove ? 0.8 : 0.2);
      boolean isKnown = random.nextDouble() < propensities[i][0];
      answers[i][0] = isKnown ? (isYes ? 1 : 0) : Float.NaN;
    }
    Dataset data = Datasets.forTask(Datasets.of(inputs, answers), "t");
    double plain = share(data, OwnLossTest::logistic);
    double weighted = share(data, InversePropensityLoss.of(List.of("yes"), propensities));
    assertEquals(0.74, plain, 0.03); // 0.9 of 0.8 and 0.1 of 0.2
    assertEquals(0.5, weighted, 0.04);
  }

  private static double share(Dataset data, Loss loss) {
    try (Network network =
        Network.builder(Shape.vector(1)).head("t", Head.labels("yes")).build(1)) {
      Trainer.of(network)
          .loss("t", loss)
          .optimizer(AdamW.withLearningRate(0.05))
          .schedule(Schedule.cosine())
          .batchSize(500)
          .epochs(20)
          .fit(data);
      try (Predictor predictor = network.predictor()) {
        return predictor.predict(new float[] {0})[0];
      }
    }
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThrows(ShapeException.class, InversePropensityLossTest::of);
    assertThrows(ShapeException.class, () -> of(new float[1]));
    assertThrows(IllegalArgumentException.class, () -> of(new float[] {0, 1.5f}));
    assertThrows(IllegalArgumentException.class, () -> of(new float[] {Float.NaN, 1}));
    assertThrows(
        IllegalArgumentException.class,
        () -> InversePropensityLoss.of(List.of("a", "a"), new float[1][2]));
    InversePropensityLoss loss = of(new float[] {1, 1});
    assertThrows(IllegalArgumentException.class, () -> loss.mostWeight(0.5));
    String message =
        assertThrows(IllegalArgumentException.class, () -> loss.compute(second(NAMES)))
            .getMessage();
    assertTrue(message.contains("of 1 examples, got example 1"), message);
  }
}
