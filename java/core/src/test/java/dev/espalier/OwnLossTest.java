// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Losses that a user writes, and what goes wrong in them. */
class OwnLossTest {
  private static final int EXAMPLES = 70;

  private final Dots dots = new Dots(EXAMPLES, 1);

  OwnLossTest() {
    SplittableRandom random = new SplittableRandom(3);
    for (float[] sides : dots.sides) {
      sides[0] = random.nextInt(3) > 0 ? sides[0] : Float.NaN;
      sides[1] = random.nextInt(3) > 0 ? sides[1] : Float.NaN;
    }
    Arrays.fill(dots.quarters, 0, 20, -1);
  }

  /** Lin et al. 2017, arXiv:1708.02002, for certain answers: -(1 - p)^gamma log p. */
  record Focal(double gamma) implements Loss {
    @Override
    public double compute(LossBatch batch) {
      double sum = 0;
      for (int i = 0; i < batch.logits().length; i++) {
        if (batch.mask()[i]) {
          double sign = 2 * batch.targets()[i] - 1;
          double z = sign * batch.logits()[i];
          double p = 1 / (1 + Math.exp(-z));
          double logP = Math.min(z, 0) - Math.log1p(Math.exp(-Math.abs(z)));
          double focus = Math.pow(1 - p, gamma);
          sum -= focus * logP;
          batch.gradients()[i] = (float) (sign * focus * (gamma * p * logP - (1 - p)));
        }
      }
      return sum;
    }
  }

  /** What a head of labels has by itself. */
  static double logistic(LossBatch batch) {
    double sum = 0;
    for (int i = 0; i < batch.logits().length; i++) {
      if (batch.mask()[i]) {
        double z = batch.logits()[i];
        double y = batch.targets()[i];
        sum += Math.max(z, 0) - z * y + Math.log1p(Math.exp(-Math.abs(z)));
        batch.gradients()[i] = (float) (1 / (1 + Math.exp(-z)) - y);
      }
    }
    return sum;
  }

  /** What a head of classes has by itself. */
  static double softmax(LossBatch batch) {
    double sum = 0;
    for (int i = 0; i < batch.examples(); i++) {
      int first = i * batch.width();
      for (int j = 0; batch.mask()[i] && j < batch.width(); j++) {
        double total = 0;
        for (int k = 0; k < batch.width(); k++) {
          total += Math.exp(batch.logits()[first + k] - batch.logits()[first + j]);
        }
        boolean isTarget = j == batch.classes()[i];
        sum += isTarget ? Math.log(total) : 0;
        batch.gradients()[first + j] = (float) (1 / total - (isTarget ? 1 : 0));
      }
    }
    return sum;
  }

  static double squared(LossBatch batch) {
    double sum = 0;
    for (int i = 0; i < batch.logits().length; i++) {
      if (batch.mask()[i]) {
        double difference = (double) batch.logits()[i] - batch.targets()[i];
        sum += difference * difference;
        batch.gradients()[i] = (float) (2 * difference);
      }
    }
    return sum;
  }

  private static Trainer trainer(Network network) {
    return Trainer.of(network).optimizer(AdamW.withLearningRate(0.01)).batchSize(13).epochs(6);
  }

  private static double relativeNorm(Map<String, float[]> expected, Map<String, float[]> actual) {
    double difference = 0;
    double norm = 0;
    for (Map.Entry<String, float[]> entry : expected.entrySet()) {
      float[] other = actual.get(entry.getKey());
      for (int i = 0; i < other.length; i++) {
        difference += Math.pow(entry.getValue()[i] - other[i], 2);
        norm += Math.pow(entry.getValue()[i], 2);
      }
    }
    return Math.sqrt(difference / norm);
  }

  @Test
  void trainsWithAFocalLossOnHalfLabelledAnswers() {
    Dots many = new Dots(600, 1);
    SplittableRandom random = new SplittableRandom(5);
    for (float[] sides : many.sides) {
      sides[random.nextInt(2)] = Float.NaN;
    }
    try (Network network = Dots.labeller(1)) {
      Trainer trainer = Trainer.of(network).optimizer(AdamW.withLearningRate(0.01)).epochs(20);
      History history = trainer.loss("side", new Focal(2)).fit(many.labels());
      assertTrue(history.last().loss() < 0.2 * history.epochs().get(0).loss());
      Evaluation evaluation = network.evaluate(new Dots(200, 3).labels());
      assertTrue(evaluation.metric("macro_auc").value() > 0.95, evaluation::toString);
    }
    assertEquals(List.of(), LossCheck.problems(Task.Kind.LABELS, new Focal(0)));
  }

  /** Of both, each in float64 before it is rounded: 1e-5 of the parameters' norm. */
  @Test
  void theBuiltInLossesWrittenAsOnesOwnTrainTheSame() {
    LossNormalization perEntry = LossNormalization.LABELLED_ENTRIES;
    for (boolean isFrozen : new boolean[] {false, true}) {
      try (Network network =
              Dots.backbone()
                  .head("quarter", Head.classes(4).weight(0.7))
                  .head("side", Head.labels("low", "right").normalization(perEntry).weight(1.3))
                  .build(5);
          Network same = network.copy()) {
        if (isFrozen) {
          network.freeze("conv1");
          same.freeze("conv1");
        }
        Dots.assertSameBits(network, same);
        final History expected = trainer(network).validation(dots.both()).fit(dots.both());
        Trainer trainer =
            trainer(same).loss("side", OwnLossTest::logistic).loss("quarter", OwnLossTest::softmax);
        History history = trainer.validation(dots.both()).fit(dots.both());
        double norm = relativeNorm(Dots.parameters(network), Dots.parameters(same));
        assertTrue(norm < 1e-5, "relative norm " + norm);
        for (int e = 0; e < 6; e++) {
          EpochResult epoch = history.epochs().get(e);
          EpochResult of = expected.epochs().get(e);
          of.taskLosses()
              .forEach((task, loss) -> assertEquals(loss, epoch.taskLosses().get(task), 1e-5));
          assertEquals(
              of.validationLoss().orElseThrow(), epoch.validationLoss().orElseThrow(), 1e-5);
        }
        assertEquals(isFrozen, history.cacheNote().startsWith("kept"), history::cacheNote);
        Evaluation evaluation = trainer.evaluate(dots.both());
        Evaluation of = same.evaluate(dots.both());
        assertEquals(of.loss(), evaluation.loss(), 1e-5);
        assertEquals(of.task("side").labelledCount(), evaluation.task("side").labelledCount());
      }
    }
  }

  @Test
  void aTrainerEvaluatesByItsOwnLossAndTheNetworkByItsHeads() {
    try (Network network = Dots.rich(1)) {
      Trainer trainer = Trainer.of(network).loss("side", batch -> batch.examples() * 3.0);
      Evaluation own = trainer.evaluate(dots.both());
      Evaluation usual = network.evaluate(dots.both());
      assertEquals(3, own.task("side").loss(), 1e-12);
      assertEquals(usual.task("quarter").loss(), own.task("quarter").loss());
      assertEquals(3 + usual.task("quarter").loss(), own.loss(), 1e-12);
      assertEquals(usual.task("side").metrics(), own.task("side").metrics());
    }
  }

  @Test
  void neverSeesWhatIsSaidWhereNothingIsLabelled() {
    List<Integer> sizes = new ArrayList<>();
    Loss loss =
        batch -> {
          sizes.add(batch.examples());
          assertEquals("side", batch.task().name());
          assertEquals(batch.examples() * 2, batch.logits().length);
          for (int i = 0; i < batch.logits().length; i++) {
            assertEquals(batch.mask()[i], Float.isFinite(batch.logits()[i]));
            assertEquals(batch.mask()[i], Float.isFinite(batch.targets()[i]));
            assertEquals(0, batch.gradients()[i]);
          }
          return logistic(batch);
        };
    try (Network network = Dots.labeller(1)) {
      Trainer.of(network).batchSize(32).epochs(2).loss("side", loss).fit(dots.labels());
      assertEquals(List.of(32, 32, 6, 32, 32, 6), sizes);
    }
  }

  @Test
  void aTaskWithoutALabelIsNotAskedAndKeepsItsHead() {
    for (float[] sides : dots.sides) {
      Arrays.fill(sides, Float.NaN);
    }
    try (Network network = Dots.rich(1)) {
      float[] before = network.parameter("heads.side.dense.weight");
      trainer(network)
          .loss(
              "side",
              batch -> {
                throw new AssertionError("nothing is labelled");
              })
          .fit(dots.both());
      assertArrayEquals(before, network.parameter("heads.side.dense.weight"));
      trainer(network)
          .loss("side", OwnLossTest::logistic)
          .fit(Datasets.forTask(dots.classes(), "quarter"));
    }
  }

  private void refused(String expected, Class<? extends RuntimeException> type, Loss loss) {
    try (Network network = Dots.labeller(1)) {
      Map<String, float[]> before = Dots.parameters(network);
      Trainer trainer = trainer(network).loss("side", loss);
      RuntimeException error = assertThrows(type, () -> trainer.fit(dots.labels()));
      assertTrue(error.getMessage().contains(expected), error.getMessage());
      Dots.assertSameBits(before, Dots.parameters(network));
      trainer.loss("side", OwnLossTest::logistic).fit(dots.labels());
    }
  }

  private static Loss withGradient(boolean isLabelled, float value) {
    return batch -> {
      final double sum = logistic(batch);
      int i = 0;
      while (batch.mask()[i] != isLabelled) {
        i++;
      }
      batch.gradients()[i] = value;
      return sum;
    };
  }

  @Test
  void aLossThatGoesWrongLeavesTheNetworkAndTheTrainer() {
    refused(
        "loss of task 'side' at step 1: expected a finite value, got NaN",
        NonFiniteException.class,
        batch -> Double.NaN);
    refused("got NaN", NonFiniteException.class, withGradient(true, Float.NaN));
    refused(
        "expected a gradient that is finite, got inf",
        NonFiniteException.class,
        withGradient(true, Float.POSITIVE_INFINITY));
    for (float value : new float[] {1e-30f, Float.NaN}) {
      refused(
          "expected a gradient of 0, as nothing is labelled, got",
          IllegalArgumentException.class,
          withGradient(false, value));
    }
    refused("27", ArrayIndexOutOfBoundsException.class, batch -> batch.gradients()[27]);
    refused(
        "my own",
        ArithmeticException.class,
        batch -> {
          throw new ArithmeticException("my own");
        });
  }

  @Test
  void errorsNameRowAndColumn() {
    for (float[] sides : dots.sides) {
      sides[0] = 1;
      sides[1] = 0;
    }
    refused(
        "loss of task 'side', row 2, column 1 (right): expected a gradient that is finite, got NaN",
        NonFiniteException.class,
        batch -> {
          batch.gradients()[5] = Float.NaN;
          return 0;
        });
  }

  @Test
  void itsExceptionComesOutAsItIs() {
    Error mine = new Error("mine");
    try (Network network = Dots.labeller(1)) {
      Trainer trainer =
          trainer(network)
              .loss(
                  "side",
                  batch -> {
                    throw mine;
                  });
      assertSame(mine, assertThrows(Error.class, () -> trainer.fit(dots.labels())));
      assertEquals(History.StopReason.FAILED, trainer.lastHistory().orElseThrow().stopReason());
    }
  }

  @Test
  void mayUseTheNetworkMeanwhileButNotChangeIt() {
    try (Network network = Dots.labeller(1);
        Network usual = Dots.labeller(1)) {
      Trainer trainer = trainer(network);
      trainer.loss(
          "side",
          batch -> {
            network.evaluate(dots.labels());
            try (Predictor predictor = network.predictor()) {
              predictor.predict(new float[64]);
            }
            assertThrows(BusyException.class, () -> trainer.fit(dots.labels()));
            assertThrows(BusyException.class, () -> trainer(network).fit(dots.labels()));
            return logistic(batch);
          });
      trainer.fit(dots.labels());
      trainer(usual).loss("side", OwnLossTest::logistic).fit(dots.labels());
      Dots.assertSameBits(usual, network);

      float[] bias = network.parameter("features.bias");
      trainer.loss(
          "side",
          batch -> {
            network.setParameter("features.bias", bias);
            return logistic(batch);
          });
      IllegalStateException error =
          assertThrows(IllegalStateException.class, () -> trainer.fit(dots.labels()));
      assertTrue(error.getMessage().contains("written since"), error.getMessage());
      trainer.loss(
          "side",
          batch -> {
            network.freeze("conv1");
            return logistic(batch);
          });
      assertThrows(IllegalStateException.class, () -> trainer.fit(dots.labels()));
      Dots.assertSameBits(usual, network);
    }
  }

  @Test
  void refusesUnknownTasksAndSumsByLabel() {
    try (Network network =
        Dots.backbone()
            .head("side", Head.labels("low", "right").normalization(LossNormalization.PER_LABEL))
            .build(1)) {
      IllegalArgumentException unknown =
          assertThrows(
              IllegalArgumentException.class,
              () -> Trainer.of(network).loss("sdie", OwnLossTest::logistic));
      assertTrue(unknown.getMessage().contains("did you mean 'side'?"), unknown.getMessage());
      Trainer trainer = Trainer.of(network).loss("side", OwnLossTest::logistic);
      for (IllegalArgumentException error :
          List.of(
              assertThrows(IllegalArgumentException.class, () -> trainer.fit(dots.labels())),
              assertThrows(
                  IllegalArgumentException.class, () -> trainer.evaluate(dots.labels())))) {
        assertTrue(error.getMessage().contains("task 'side'"), error.getMessage());
      }
    }
  }

  @Test
  void theCheckFindsWhatIsWrong() {
    assertEquals(List.of(), LossCheck.problems(Task.Kind.LABELS, OwnLossTest::logistic));
    assertEquals(List.of(), LossCheck.problems(Task.Kind.CLASSES, OwnLossTest::softmax));
    assertEquals(List.of(), LossCheck.problems(Task.Kind.VALUES, OwnLossTest::squared));
    assertEquals(List.of(), LossCheck.problems(Task.Kind.VALUES, OwnLossTest::absolute));
    finds("by differences", batch -> 2 * logistic(batch));
    finds("by differences", batch -> logistic(batch) + scaleGradients(batch, 1.01f));
    finds("a gradient of 0 where nothing", batch -> logistic(batch) + addToGradients(batch));
    finds("alone", batch -> logistic(batch) + scaleGradients(batch, 1f / batch.examples()));
    finds("sum of the examples' losses", batch -> logistic(batch) / batch.examples());
    finds("finite", batch -> exponential(batch));
    int[] calls = {0};
    finds("the same of the same batch", batch -> calls[0]++);
  }

  private static void finds(String problem, Loss loss) {
    List<String> problems = LossCheck.problems(Task.Kind.LABELS, loss);
    assertTrue(problems.stream().anyMatch(p -> p.contains(problem)), problem + problems);
    assertFalse(problems.stream().anyMatch(String::isEmpty));
  }

  private static double scaleGradients(LossBatch batch, float factor) {
    for (int i = 0; i < batch.gradients().length; i++) {
      batch.gradients()[i] *= factor;
    }
    return 0;
  }

  private static double addToGradients(LossBatch batch) {
    for (int i = 0; i < batch.gradients().length; i++) {
      batch.gradients()[i] += 0.5f;
    }
    return 0;
  }

  /** Has a kink. */
  private static double absolute(LossBatch batch) {
    double sum = 0;
    for (int i = 0; i < batch.logits().length; i++) {
      if (batch.mask()[i]) {
        double difference = (double) batch.logits()[i] - batch.targets()[i];
        sum += Math.abs(difference);
        batch.gradients()[i] = (float) Math.signum(difference);
      }
    }
    return sum;
  }

  /** Overflows. */
  private static double exponential(LossBatch batch) {
    double sum = 0;
    for (int i = 0; i < batch.logits().length; i++) {
      if (batch.mask()[i]) {
        sum += Math.exp(2 * batch.logits()[i]);
        batch.gradients()[i] = (float) (2 * Math.exp(2 * batch.logits()[i]));
      }
    }
    return sum;
  }
}
