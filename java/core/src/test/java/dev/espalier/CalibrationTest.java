// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibrationTest {
  private static final int EXAMPLES = 20_000;

  private final Dots dots = new Dots(300, 3);

  private static double sigmoid(double z) {
    return 1 / (1 + Math.exp(-z));
  }

  @Test
  void findsTheScaleAndBiasThatAnswersWereDrawnWith() {
    SplittableRandom random = new SplittableRandom(1);
    double[] logits = new double[EXAMPLES];
    double[] answers = new double[EXAMPLES];
    for (int i = 0; i < EXAMPLES; i++) {
      logits[i] = 6 * random.nextDouble() - 3;
      answers[i] = random.nextDouble() < sigmoid(2 * logits[i] - 1) ? 1 : 0;
    }
    LogitScaling scaling = LogitScaling.ofLabel(logits, answers);
    assertEquals(2, scaling.scale(), 0.1);
    assertEquals(-1, scaling.bias(), 0.1);
    assertTrue(scaling.lossAfter() < scaling.lossBefore());
    // At the least loss both derivatives are 0; the drawn-in answers are worth 1 / examples.
    double slopeScale = 0;
    double slopeBias = 0;
    for (int i = 0; i < EXAMPLES; i++) {
      double p = sigmoid(scaling.scale() * logits[i] + scaling.bias());
      slopeScale += (p - answers[i]) * logits[i];
      slopeBias += p - answers[i];
    }
    assertEquals(0, slopeScale / EXAMPLES, 3e-4);
    assertEquals(0, slopeBias / EXAMPLES, 3e-4);
  }

  @Test
  void findsTheTemperatureThatClassesWereDrawnWith() {
    SplittableRandom random = new SplittableRandom(2);
    double[][] logits = new double[EXAMPLES][4];
    int[] answers = new int[EXAMPLES];
    for (int i = 0; i < EXAMPLES; i++) {
      double total = 0;
      for (int c = 0; c < 4; c++) {
        logits[i][c] = 12 * random.nextDouble();
        total += Math.exp(logits[i][c] / 3);
      }
      double left = random.nextDouble() * total;
      while (answers[i] < 3 && (left -= Math.exp(logits[i][answers[i]] / 3)) > 0) {
        answers[i]++;
      }
    }
    LogitScaling scaling = LogitScaling.ofClasses(logits, answers);
    assertEquals(1.0 / 3, scaling.scale(), 0.01 / 3);
    assertEquals(0, scaling.bias());
    assertTrue(scaling.lossAfter() < scaling.lossBefore());
  }

  @Test
  void staysWithinReasonWhereThereIsNothingToLearn() {
    double[] logits = {-2, -1, 1, 2};
    for (double[] same : new double[][] {{0, 0, 0, 0}, {1, 1, 1, 1}, {0.5, 0.5, 0.5, 0.5}}) {
      LogitScaling scaling = LogitScaling.ofLabel(logits, same);
      assertEquals(1, scaling.scale());
      assertEquals(0, scaling.bias());
    }
    LogitScaling separable = LogitScaling.ofLabel(logits, new double[] {0, 0, 1, 1});
    assertTrue(separable.scale() > 0.5 && separable.scale() < 5, separable::toString);
    LogitScaling wrong = LogitScaling.ofLabel(logits, new double[] {1, 1, 0, 0});
    assertEquals(LogitScaling.LEAST_SCALE, wrong.scale());
    LogitScaling none = LogitScaling.ofLabel(new double[0], new double[0]);
    assertEquals(1, none.scale());
    assertTrue(Double.isNaN(none.lossBefore()));
    assertEquals(1, LogitScaling.ofClasses(new double[0][], new int[0]).scale());
    LogitScaling broken = LogitScaling.ofLabel(new double[] {Double.NaN, 1}, new double[] {1, 0});
    assertEquals(1, broken.scale());
    double[][] one = {{5}, {3}};
    assertEquals(1, LogitScaling.ofClasses(one, new int[] {0, 0}).scale());
  }

  /** At the least loss, the right class has its target. */
  @Test
  void thirtyRightAnswersAskForNoCertainty() {
    for (int classes : new int[] {2, 10, 1000}) {
      double[][] logits = new double[30][classes];
      int[] answers = new int[30];
      for (int i = 0; i < 30; i++) {
        answers[i] = i % classes;
        logits[i][answers[i]] = 2;
      }
      LogitScaling scaling = LogitScaling.ofClasses(logits, answers);
      assertEquals(Math.log(31 * (classes - 1)) / 2, scaling.scale(), 1e-6);
      assertTrue(scaling.lossAfter() < scaling.lossBefore());
    }
    // Where the network is surer already, it stays as it is: nothing says that it is wrong.
    double[][] sure = {{5, 0}, {0, 5}};
    assertEquals(1, LogitScaling.ofClasses(sure, new int[] {0, 1}).scale());
  }

  /** A network that is five times as sure as it was trained to be. */
  private Network overconfident() {
    Network network = Dots.rich(1);
    Trainer.of(network).epochs(12).fit(new Dots(300, 1).both());
    for (String head : List.of("quarter", "side")) {
      for (String parameter : List.of("weight", "bias")) {
        String path = "heads." + head + ".dense." + parameter;
        float[] values = network.parameter(path);
        for (int i = 0; i < values.length; i++) {
          values[i] *= 5;
        }
        network.setParameter(path, values);
      }
    }
    return network;
  }

  @Test
  void everyFormOfPredictionAndTheFileHaveIt(@TempDir Path folder) {
    PredictorOptions logits = PredictorOptions.defaults().logits();
    try (Network network = overconfident();
        Predictor before = network.predictor(logits)) {
      double lossBefore = network.evaluate(dots.both()).task("quarter").loss();
      CalibrationReport report = network.calibrate(dots.both());
      assertEquals(
          List.of("", "low", "right"),
          report.entries().stream().map(CalibrationReport.Entry::label).toList());
      CalibrationReport.Entry quarter = report.entry("quarter");
      assertEquals("quarter", quarter.task());
      assertEquals(300, quarter.labelledCount());
      assertEquals(lossBefore, quarter.logLossBefore(), 1e-5 * lossBefore);
      Evaluation after = network.evaluate(dots.both());
      assertEquals(after.task("quarter").loss(), quarter.logLossAfter(), 1e-5);
      assertEquals(after.task("quarter").metric("log_loss").value(), quarter.logLossAfter(), 1e-5);
      assertTrue(quarter.scale() < 0.8, report::toString);
      assertTrue(quarter.logLossAfter() < quarter.logLossBefore(), report::toString);
      network.save(folder.resolve("model"));
      try (Network loaded = Network.load(folder.resolve("model"));
          Predictor predictor = loaded.predictor()) {
        for (int i = 0; i < 20; i++) {
          float[] old = before.predict(Datasets.input(dots.both(), i));
          Prediction now = predictor.predictNamed(Datasets.input(dots.both(), i));
          assertEquals(best(old), Integer.parseInt(now.best("quarter")));
          for (int j = 0; j < 2; j++) {
            CalibrationReport.Entry label = report.entries().get(1 + j);
            assertEquals(
                sigmoid(label.scale() * old[4 + j] + label.bias()),
                now.values("side")[j],
                1e-5,
                label.label());
          }
        }
      }
      // What is calibrated stays as it is.
      for (CalibrationReport.Entry again : network.calibrate(dots.both()).entries()) {
        assertEquals(1, again.scale(), 1e-3);
        assertEquals(0, again.bias(), 1e-3);
      }
    }
  }

  @Test
  void answersOfTunedThresholdsStayTheSame() {
    try (Network network = overconfident()) {
      for (String path : List.of("heads.side.dense.weight", "heads.side.dense.bias")) {
        float[] values = network.parameter(path);
        for (int i = 0; i < values.length; i++) {
          values[i] *= 3;
        }
        network.setParameter(path, values);
      }
      network.tuneThresholds(dots.both());
      List<Double> tuned = network.tasks().get(1).thresholds();
      List<List<String>> before = answers(network);
      CalibrationReport report = network.calibrate(dots.both());
      List<Double> now = network.tasks().get(1).thresholds();
      for (int j = 0; j < 2; j++) {
        CalibrationReport.Entry entry = report.entries().get(1 + j);
        assertEquals(tuned.get(j), entry.thresholdBefore().orElseThrow());
        assertEquals(now.get(j), entry.thresholdAfter().orElseThrow());
        double logit = Math.log(tuned.get(j) / (1 - tuned.get(j)));
        assertEquals(sigmoid(entry.scale() * logit + entry.bias()), now.get(j), 1e-9);
        assertTrue(Math.abs(now.get(j) - tuned.get(j)) > 1e-3, report::toString);
      }
      assertTrue(report.entry("quarter").thresholdAfter().isEmpty());
      assertEquals(before, answers(network));
      assertTrue(report.toString().contains("side/low"), report::toString);
    }
  }

  @Test
  void thresholdsThatWereNeverSetStay() {
    try (Network network = overconfident()) {
      CalibrationReport report = network.calibrate(dots.both());
      assertEquals(0.5, report.entry("side", "low").thresholdAfter().orElseThrow());
      assertEquals(List.of(0.5, 0.5), network.tasks().get(1).thresholds());
    }
  }

  private List<List<String>> answers(Network network) {
    try (Predictor predictor = network.predictor()) {
      return IntStream.range(0, dots.both().size())
          .mapToObj(i -> predictor.predictNamed(Datasets.input(dots.both(), i)).labels("side"))
          .toList();
    }
  }

  private static int best(float[] logits) {
    int best = 0;
    for (int c = 1; c < 4; c++) {
      best = logits[c] > logits[best] ? c : best;
    }
    return best;
  }

  @Test
  void touchesWhatThereAreAnswersFor() {
    try (Network network = overconfident()) {
      float[][] half = dots.sides.clone();
      for (int i = 0; i < half.length; i++) {
        half[i] = new float[] {Float.NaN, i % 2 == 0 ? Float.NaN : half[i][1]};
      }
      float[] quarter = network.parameter("heads.quarter.dense.weight");
      float[] side = network.parameter("heads.side.dense.weight");
      Dataset data = Datasets.forTask(Datasets.of(dots.pictures, Dots.PICTURE, half), "side");
      CalibrationReport report = network.calibrate(data);
      List<CalibrationReport.Entry> entries = report.entries();
      assertEquals(2, entries.size());
      List<String> lines = report.toString().lines().toList();
      assertTrue(lines.get(1).endsWith("  left as it was"), report::toString);
      assertFalse(lines.get(2).contains("left"), report::toString);
      assertEquals(0, entries.get(0).labelledCount());
      assertEquals(1, entries.get(0).scale());
      assertEquals(150, entries.get(1).labelledCount());
      assertArrayEquals(quarter, network.parameter("heads.quarter.dense.weight"));
      float[] now = network.parameter("heads.side.dense.weight");
      int width = now.length / 2;
      assertArrayEquals(Arrays.copyOf(side, width), Arrays.copyOf(now, width));
      assertEquals(side[width] * entries.get(1).scale(), now[width], 1e-5);
    }
  }

  @Test
  void bestThresholdIsThatOfAllThresholdsTried() {
    SplittableRandom random = new SplittableRandom(4);
    for (int round = 0; round < 200; round++) {
      int count = 1 + random.nextInt(30);
      double[] probabilities = new double[count];
      double[] answers = new double[count];
      for (int i = 0; i < count; i++) {
        probabilities[i] = random.nextInt(10) == 0 ? Double.NaN : random.nextInt(9) / 8.0;
        answers[i] = random.nextInt(3) == 0 ? 1 : 0;
      }
      double threshold = new Tuning.Known(probabilities, answers).bestThreshold();
      double best = 0;
      for (int k = 0; k <= 16; k++) {
        best = Math.max(best, f1(probabilities, answers, k / 16.0));
      }
      assertEquals(best, f1(probabilities, answers, threshold), 1e-12);
      assertTrue(threshold >= 0 && threshold < 1);
    }
    assertEquals(0.5, new Tuning.Known(new double[] {0.9}, new double[] {0}).bestThreshold());
    assertEquals(0.5, new Tuning.Known(new double[0], new double[0]).bestThreshold());
  }

  private static double f1(double[] probabilities, double[] answers, double threshold) {
    double hits = 0;
    double sum = 0;
    for (int i = 0; i < probabilities.length; i++) {
      boolean isPredicted = probabilities[i] >= threshold;
      hits += isPredicted ? answers[i] : 0;
      sum += (isPredicted ? 1 : 0) + answers[i];
    }
    return hits == 0 ? 0 : 2 * hits / sum;
  }

  @Test
  void thresholdsAreKeptWithTheNetwork(@TempDir Path folder) {
    try (Network network = Dots.rich(1);
        Predictor former = network.predictor()) {
      assertEquals(List.of(), network.tasks().get(0).thresholds());
      assertEquals(List.of(0.5, 0.5), network.tasks().get(1).thresholds());
      network.setThresholds("side", 0.0, 1.0);
      network.save(folder.resolve("model"));
      float[] input = Datasets.input(dots.both(), 0);
      try (Network loaded = Network.load(folder.resolve("model"));
          Network copy = loaded.copy();
          Predictor predictor = copy.predictor();
          Predictor logits = copy.predictor(PredictorOptions.defaults().logits().heads("side"));
          BatchingPredictor batching = BatchingPredictor.of(former, BatchingOptions.defaults())) {
        assertEquals(List.of(0.0, 1.0), loaded.tasks().get(1).thresholds());
        assertEquals(List.of("low"), predictor.predictNamed(input).labels("side"));
        assertEquals(List.of("low"), logits.predictNamed(input).labels("side"));
        assertEquals(former.tasks().get(0), predictor.tasks().get(0));
        batching.swap(predictor);
        assertEquals(List.of("low"), batching.predictNamed(input).labels("side"));
        assertThrows(
            IllegalArgumentException.class, () -> predictor.predictNamed(input).labels("quarter"));
      }
      for (double[] wrong : new double[][] {{0.5}, {0.5, 1.5}, {-0.5, 0.5}, {Double.NaN, 0}}) {
        assertThrows(IllegalArgumentException.class, () -> network.setThresholds("side", wrong));
      }
      assertThrows(
          IllegalArgumentException.class, () -> network.setThresholds("quarter", 1, 1, 1, 1));
      assertThrows(IllegalArgumentException.class, () -> network.setThresholds("sides", 0.5));
      assertEquals(List.of(0.0, 1.0), network.tasks().get(1).thresholds());
      network.setThresholds("side");
      assertEquals(List.of(0.5, 0.5), network.tasks().get(1).thresholds());
    }
  }

  @Test
  void tunedThresholdsHaveABetterF1() {
    try (Network network = Dots.rich(1)) {
      Trainer.of(network).epochs(1).fit(new Dots(100, 1).both());
      double before = network.evaluate(dots.both()).task("side").metric("f1", "low").value();
      network.tuneThresholds(dots.both());
      double threshold = network.tasks().get(1).thresholds().get(0);
      double after =
          network.evaluate(dots.both(), threshold).task("side").metric("f1", "low").value();
      assertTrue(after >= before, after + " >= " + before);
    }
  }

  /** Reading the last target fails, when all that comes before is known. */
  @Test
  void allTasksChangeOrNone() {
    float[][] broken = dots.sides.clone();
    broken[299] = new float[] {0, 3};
    try (Network network =
        Dots.backbone()
            .head("first", Head.labels("low", "right"))
            .head("quarter", Head.classes(4))
            .head("side", Head.labels("low", "right"))
            .build(1)) {
      Dataset good = Datasets.withTargets(dots.both(), "first", dots.sides);
      Dataset wrong = Datasets.withTargets(good, "side", broken);
      Map<String, float[]> before = Dots.parameters(network);
      List<Task> tasks = network.tasks();
      assertThrows(IllegalArgumentException.class, () -> network.calibrate(wrong));
      Dots.assertSameBits(before, Dots.parameters(network));
      assertThrows(IllegalArgumentException.class, () -> network.tuneThresholds(wrong));
      assertEquals(tasks, network.tasks());
      network.tuneThresholds(good);
      assertEquals(
          network.tasks().get(0).thresholds().size(), network.tasks().get(2).thresholds().size());
      try (Network copy = network.copy()) {
        assertEquals(copy.tasks(), network.tasks());
      }
    }
  }
}
