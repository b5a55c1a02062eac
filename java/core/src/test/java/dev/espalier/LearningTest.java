// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LearningTest {
  static List<Optimizer> optimizers() {
    return List.of(
        Sgd.withLearningRate(0.1),
        Sgd.withLearningRate(0.05).nesterov(0.9),
        Adam.withLearningRate(0.01),
        AdamW.withLearningRate(0.01).layerDecay(0.9),
        RmsProp.withLearningRate(0.003));
  }

  @ParameterizedTest
  @MethodSource("optimizers")
  void learnsClasses(Optimizer optimizer) {
    try (Network network = Dots.classifier(1)) {
      History history =
          Trainer.of(network)
              .optimizer(optimizer)
              .epochs(15)
              .validation(new Dots(200, 2).classes())
              .fit(new Dots(600, 1).classes());
      double accuracy = network.evaluate(new Dots(200, 3).classes()).metric("accuracy").value();
      assertTrue(accuracy > 0.9, optimizer + " " + accuracy);
      assertEquals(15, history.epochs().size());
      assertEquals(15 * 19, history.steps());
      assertEquals(History.StopReason.EPOCHS, history.stopReason());
      assertTrue(history.last().loss() < history.epochs().get(0).loss());
      assertTrue(history.last().validationLoss().orElseThrow() < 0.5, history.last()::toString);
      Evaluation validation = history.last().validation().orElseThrow();
      assertTrue(validation.task("quarter").metric("accuracy").value() > 0.85);
      assertEquals(200, validation.task("quarter").metric("accuracy").support());
    }
  }

  @Test
  void learnsPartlyLabelledEntries() {
    Dots dots = new Dots(600, 1);
    SplittableRandom random = new SplittableRandom(5);
    for (float[] sides : dots.sides) {
      sides[random.nextInt(2)] = Float.NaN;
    }
    try (Network network = Dots.labeller(1)) {
      Trainer.of(network).epochs(20).optimizer(AdamW.withLearningRate(0.01)).fit(dots.labels());
      Evaluation evaluation = network.evaluate(new Dots(200, 3).labels());
      assertTrue(evaluation.metric("hamming_loss").value() < 0.1, evaluation::toString);
      assertTrue(evaluation.metric("macro_auc").value() > 0.95, evaluation::toString);
      assertEquals(200, evaluation.task("side").metric("auc", "low").support());
    }
  }

  @Test
  void learnsValues() {
    SplittableRandom random = new SplittableRandom(1);
    float[][] inputs = new float[300][2];
    float[][] sums = new float[300][2];
    for (int i = 0; i < 300; i++) {
      inputs[i][0] = (float) random.nextDouble(-1, 1);
      inputs[i][1] = (float) random.nextDouble(-1, 1);
      sums[i][0] = inputs[i][0] + inputs[i][1];
      sums[i][1] = i % 3 == 0 ? Float.NaN : inputs[i][0] * inputs[i][1];
    }
    Dataset data = Datasets.of(inputs, sums);
    for (Head head :
        List.of(Head.values("sum", "product"), Head.values("sum", "product").huber(0.5))) {
      try (Network network =
          Network.builder(Shape.vector(2)).dense(24).tanh().head("values", head).build(3)) {
        Trainer.of(network).epochs(60).optimizer(Adam.withLearningRate(0.02)).fit(data);
        TaskEvaluation evaluation = network.evaluate(data).task("values");
        assertTrue(evaluation.metric("r2", "product").value() > 0.9, evaluation::toString);
        assertEquals(200, evaluation.metric("r2", "product").support());
      }
    }
  }

  @Test
  void overfitsThirtyTwoExamples() {
    SplittableRandom random = new SplittableRandom(8);
    float[] inputs = new float[32 * 20];
    float[][] labels = new float[32][3];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = (float) random.nextDouble();
    }
    for (float[] row : labels) {
      for (int j = 0; j < 3; j++) {
        row[j] = random.nextInt(2);
      }
    }
    try (Network network =
        Network.builder(Shape.vector(20))
            .dense(64)
            .gelu()
            .head("luck", Head.labels("a", "b", "c"))
            .build(1)) {
      History history =
          Trainer.of(network)
              .epochs(300)
              .optimizer(Adam.withLearningRate(0.01))
              .fit(Datasets.of(inputs, Shape.vector(20), labels));
      assertTrue(history.last().loss() < 0.05, () -> "loss " + history.last().loss());
    }
  }

  @Test
  void learnsTasksFromSeparateDataSets() {
    Dataset quarters = Datasets.forTask(new Dots(300, 1).classes(), "quarter");
    Dataset sides = Datasets.forTask(new Dots(300, 2).labels(), "side");
    try (Network network = Dots.rich(4)) {
      History history =
          Trainer.of(network)
              .epochs(40)
              .optimizer(AdamW.withLearningRate(0.01))
              .fit(Datasets.concat(quarters, sides));
      Evaluation evaluation = network.evaluate(new Dots(200, 3).both());
      assertTrue(evaluation.task("quarter").metric("accuracy").value() > 0.8, evaluation::toString);
      assertTrue(evaluation.task("side").metric("macro_auc").value() > 0.9, evaluation::toString);
      assertEquals(2, history.last().taskLosses().size());
      assertEquals(
          history.last().loss(),
          history.last().taskLosses().values().stream().mapToDouble(x -> x).sum(),
          1e-6);
    }
  }

  @Test
  void leavesATaskWithoutTargetsAlone() {
    try (Network network = Dots.rich(4)) {
      float[] before = network.parameter("heads.side.dense.weight");
      Trainer.of(network).epochs(2).fit(Datasets.forTask(new Dots(64, 1).classes(), "quarter"));
      assertTrue(Arrays.equals(before, network.parameter("heads.side.dense.weight")));
      Evaluation evaluation =
          network.evaluate(Datasets.forTask(new Dots(64, 1).classes(), "quarter"));
      assertEquals(1, evaluation.tasks().size());
    }
  }

  private static Network trained(UnaryOperator<Trainer> settings) {
    Network network = Dots.rich(6);
    Trainer trainer = Trainer.of(network).epochs(3).batchSize(17).seed(9);
    // Slow enough that the batches are really read ahead.
    Dataset slow =
        Datasets.map(
            new Dots(120, 1).both(),
            input -> {
              LockSupport.parkNanos(50_000);
              return input;
            });
    settings.apply(trainer).fit(slow);
    return network;
  }

  @Test
  void sameSeedGivesTheSameBits() {
    try (Network first = trained(t -> t);
        Network again = trained(t -> t);
        Network unfetched = trained(t -> t.prefetch(false));
        Network listened = trained(t -> t.listener(epoch -> {}));
        Network other = trained(t -> t.seed(10));
        Network ordered = trained(t -> t.shuffle(false))) {
      Dots.assertSameBits(first, again);
      Dots.assertSameBits(first, unfetched);
      Dots.assertSameBits(first, listened);
      assertNotEquals(
          Arrays.toString(first.parameter("features.weight")),
          Arrays.toString(other.parameter("features.weight")));
      assertNotEquals(
          Arrays.toString(first.parameter("features.weight")),
          Arrays.toString(ordered.parameter("features.weight")));
    }
  }

  @Test
  void anyNumberOfThreadsGivesTheSameBits() {
    int threads = Espalier.threads();
    try (Network first = trained(t -> t)) {
      for (int count : new int[] {1, 2, 3, 5}) {
        Espalier.setThreads(count);
        try (Network other = trained(t -> t)) {
          Dots.assertSameBits(first, other);
        }
      }
    } finally {
      Espalier.setThreads(threads);
    }
  }

  @Test
  void anyNumberIsASeed() {
    for (long seed : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE}) {
      try (Network first = trained(t -> t.seed(seed));
          Network again = trained(t -> t.seed(seed));
          Network built = Dots.labeller(seed);
          Network transferred = built.transfer().head("new", Head.labels("x")).build(seed)) {
        Dots.assertSameBits(first, again);
        assertEquals(2, transferred.tasks().size());
      }
    }
  }

  /** A user's own data set, with the least that the interface asks for. */
  private record Own(int size) implements Dataset {
    @Override
    public Shape inputShape() {
      return Shape.vector(3);
    }

    @Override
    public void readInput(int index, float[] destination, int offset) {
      for (int i = 0; i < 3; i++) {
        destination[offset + i] = (index >> i) & 1;
      }
    }

    @Override
    public List<Target> targets() {
      return List.of(Target.classes(""));
    }

    @Override
    public boolean readTarget(String task, int index, float[] destination, int offset) {
      destination[offset] = index & 1;
      return index % 5 != 0;
    }
  }

  @Test
  void learnsFromAUsersOwnDataSet() {
    try (Network network =
        Network.builder(Shape.vector(3)).head("odd", Head.classes("no", "yes")).build(1)) {
      Trainer.of(network)
          .optimizer(Adam.withLearningRate(0.1))
          .validation(new Own(10))
          .fit(new Own(100));
      TaskEvaluation odd = network.evaluate(new Own(50)).task("odd");
      assertEquals(1, odd.metric("accuracy").value());
      assertEquals(40, odd.labelledCount());
    }
  }

  @Test
  void followsTheSchedule() {
    List<StepResult> steps = new ArrayList<>();
    TrainingListener recorder =
        new TrainingListener() {
          @Override
          public void onStep(StepResult step) {
            steps.add(step);
          }

          @Override
          public void onEpoch(EpochResult epoch) {}
        };
    try (Network network = Dots.classifier(1)) {
      Trainer.of(network)
          .optimizer(Sgd.withLearningRate(0.1))
          .schedule(Schedule.cosine().warmup(4))
          .batchSize(10)
          .epochs(4)
          .listener(recorder)
          .fit(new Dots(50, 1).classes());
    }
    assertEquals(20, steps.size());
    assertEquals(0.02, steps.get(0).learningRate(), 1e-9);
    assertEquals(0.1, steps.get(4).learningRate(), 1e-9);
    assertTrue(steps.get(19).learningRate() < 0.01);
    for (int i = 0; i < 20; i++) {
      assertEquals(i, steps.get(i).step());
      assertEquals(i / 5, steps.get(i).epoch());
      assertEquals(10, steps.get(i).exampleCount());
      assertEquals(steps.get(i).loss(), steps.get(i).taskLosses().get("quarter"), 1e-9);
      assertTrue(steps.get(i).gradientNorm() > 0);
    }
  }

  @Test
  void acceptsEverySetting() {
    List<Schedule> schedules =
        List.of(
            Schedule.constant(),
            Schedule.step(3, 0.5),
            Schedule.exponential(0.99),
            Schedule.cosine(0.1),
            Schedule.oneCycle(),
            Schedule.oneCycle().warmup(2));
    for (Schedule schedule : schedules) {
      try (Network network = Dots.rich(2)) {
        Trainer.of(network)
            .schedule(schedule)
            .optimizer(
                AdamW.withLearningRate(0.01)
                    .beta1(0.8)
                    .beta2(0.99)
                    .epsilon(1e-7)
                    .weightDecay(0.1)
                    .layerDecay(0.8))
            .clipNorm(1)
            .clipValue(0.5)
            .decayBiasesAndNorms(true)
            .epochs(2)
            .fit(new Dots(40, 1).both());
      }
    }
  }
}
