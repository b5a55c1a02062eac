// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Steps that several trainers take together: the same bits, whoever computes which shard. */
class DataParallelTrainerTest {
  private static final int SHARDS = 4;
  private static final int SHARD = 5;

  @TempDir Path folder;

  private final Dataset data = new Dots(70, 1).both();

  private static Trainer settings(Network network) {
    return Trainer.of(network)
        .optimizer(AdamW.withLearningRate(0.01))
        .schedule(Schedule.cosine())
        .clipNorm(1)
        .batchSize(SHARDS * SHARD)
        .steps(6)
        .seed(7);
  }

  /** Trainers of copies of a network; shard {@code s} is computed by trainer {@code s mod n}. */
  private final class Workers implements AutoCloseable {
    private final List<Network> networks = new ArrayList<>();
    private final List<DataParallelTrainer> trainers = new ArrayList<>();

    Workers(int count) {
      for (int i = 0; i < count; i++) {
        networks.add(Dots.rich(1));
        trainers.add(DataParallelTrainer.of(settings(networks.get(i)), data, SHARD));
      }
    }

    StepResult step(int number) {
      List<int[]> shards = new ArrayList<>();
      for (int s = 0; s < SHARDS; s++) {
        int first = (number * SHARDS + s) * SHARD;
        int[] shard = new int[s == SHARDS - 1 ? SHARD - 2 : SHARD]; // an uneven batch
        Arrays.setAll(shard, i -> (first + i) % data.size());
        shards.add(shard);
      }
      long[] totals = new long[trainers.get(0).totalsSize()];
      for (int s = 0; s < SHARDS; s++) {
        trainers.get(s % trainers.size()).addTotals(shards.get(s), totals);
      }
      assertEquals(SHARDS * SHARD - 2, totals[0]);
      float[] sum = new float[trainers.get(0).gradientsSize()];
      for (int s = 0; s < SHARDS; s++) {
        float[] gradients =
            trainers.get(s % trainers.size()).gradients(totals, s * SHARD, shards.get(s));
        for (int i = 0; i < sum.length; i++) {
          sum[i] += gradients[i];
        }
      }
      StepResult result = null;
      for (DataParallelTrainer trainer : trainers) {
        result = trainer.apply(totals, sum);
      }
      return result;
    }

    @Override
    public void close() {
      trainers.forEach(DataParallelTrainer::close);
      networks.forEach(Network::close);
    }
  }

  @Test
  void whoeverComputesWhichShard() {
    try (Workers one = new Workers(1);
        Workers three = new Workers(3)) {
      for (int step = 0; step < 6; step++) {
        StepResult expected = one.step(step);
        StepResult actual = three.step(step);
        assertEquals(expected.toString(), actual.toString());
        assertEquals(step, actual.step());
        assertEquals(SHARDS * SHARD - 2, actual.exampleCount());
        assertTrue(actual.loss() > 0 && actual.gradientNorm() > 0);
      }
      for (Network network : three.networks) {
        Dots.assertSameBits(one.networks.get(0), network);
      }
      assertEquals(6, three.trainers.get(2).steps());
    }
  }

  @Test
  void aFitInBatchesOfOneShardIsTheSame() {
    try (Network fitted = Dots.rich(1);
        Network shared = Dots.rich(1)) {
      settings(fitted).batchSize(10).shuffle(false).fit(data);
      try (DataParallelTrainer trainer =
          DataParallelTrainer.of(settings(shared).batchSize(10), data, 10)) {
        for (int step = 0; step < 6; step++) {
          int[] batch = new int[10];
          int first = step * 10;
          Arrays.setAll(batch, i -> first + i);
          long[] totals = new long[trainer.totalsSize()];
          trainer.addTotals(batch, totals);
          trainer.apply(totals, trainer.gradients(totals, 0, batch));
        }
      }
      Dots.assertSameBits(fitted, shared);
    }
  }

  @Test
  void goesOnFromAFile() {
    Path file = folder.resolve("state");
    try (Workers whole = new Workers(1);
        Workers first = new Workers(1);
        Workers second = new Workers(1)) {
      for (int step = 0; step < 6; step++) {
        whole.step(step);
        if (step < 3) {
          first.step(step);
        }
      }
      first.trainers.get(0).save(file);
      assertEquals(3, second.trainers.get(0).resume(file));
      for (int step = 3; step < 6; step++) {
        second.step(step);
      }
      Dots.assertSameBits(whole.networks.get(0), second.networks.get(0));
    }
  }

  @Test
  void refusesFilesOfOthers() throws Exception {
    Path folderOfFit = folder.resolve("fit");
    try (Workers workers = new Workers(1);
        Network fitted = Dots.rich(1)) {
      settings(fitted).checkpoints(Checkpoints.in(folderOfFit)).fit(data);
      Path file;
      try (var files = Files.list(folderOfFit)) {
        file = files.findFirst().orElseThrow();
      }
      DataParallelTrainer trainer = workers.trainers.get(0);
      assertThrows(IllegalArgumentException.class, () -> trainer.resume(file));
      Path garbage = Files.writeString(folder.resolve("garbage"), "no checkpoint");
      assertThrows(ModelFileException.class, () -> trainer.resume(garbage));
      assertEquals(0, trainer.steps());
    }
  }

  @Test
  void saysWhatItTakes() throws Exception {
    try (Workers workers = new Workers(1)) {
      DataParallelTrainer trainer = workers.trainers.get(0);
      long[] totals = new long[trainer.totalsSize()];
      trainer.addTotals(new int[] {0, 1}, totals);
      message(
          "shard: expected 1 to 5 examples, got 6", () -> trainer.addTotals(new int[6], totals));
      message(
          "shard: expected 1 to 5 examples, got 0", () -> trainer.addTotals(new int[0], totals));
      message(
          "shard: expected 0 to 69, got 70", () -> trainer.gradients(totals, 0, new int[] {70}));
      message(
          "totals: expected " + totals.length + " numbers, got 1",
          () -> trainer.gradients(new long[1], 0, new int[] {0}));
      message(
          "gradients: expected a shard of a batch of 2, got 2 examples from 1",
          () -> trainer.gradients(totals, 1, new int[] {0, 1}));
      message(
          "batch: expected at least one example, and 0 to all of 0 labelled, got 0",
          () -> trainer.apply(new long[totals.length], new float[trainer.gradientsSize()]));
      message(
          "sum: expected " + trainer.gradientsSize() + " numbers, got 3",
          () -> trainer.apply(totals, new float[3]));
      float[] gradients = trainer.gradients(totals, 0, new int[] {0, 1});
      float[] others = gradients.clone();
      others[4] = Float.NaN;
      assertThrows(NonFiniteException.class, () -> trainer.apply(totals, others));
      assertArrayEquals(gradients, trainer.gradients(totals, 0, new int[] {0, 1}));
      FutureTask<StepResult> elsewhere = new FutureTask<>(() -> trainer.apply(totals, gradients));
      Thread thread = new Thread(elsewhere);
      thread.start();
      ExecutionException failure = assertThrows(ExecutionException.class, elsewhere::get);
      assertEquals(
          "apply gradients: expected the thread that made the trainer, got another one",
          failure.getCause().getMessage());
      trainer.apply(totals, gradients);
      trainer.close();
      assertThrows(IllegalStateException.class, () -> trainer.apply(totals, gradients));
      assertThrows(IllegalStateException.class, () -> trainer.addTotals(new int[] {0}, totals));
    }
  }

  @Test
  void takesNothingOfFits() {
    try (Network network = Dots.rich(1)) {
      Trainer trainer = settings(network).timeLimit(Duration.ofHours(1));
      message(
          "timeLimit: expected a trainer without it, as steps in shards are no fit; got one",
          () -> DataParallelTrainer.of(trainer, data, 3).close());
      Trainer balanced = settings(network).balance(Balance.uncertainty());
      message(
          "balance: expected a trainer without it, as steps in shards are no fit; got one",
          () -> DataParallelTrainer.of(balanced, data, 3).close());
      DataParallelTrainer.of(settings(network), data, 3).close();
      settings(network).fit(data); // the network is free
    }
  }

  private static void message(String expected, Runnable call) {
    RuntimeException error = assertThrows(RuntimeException.class, call::run);
    assertEquals(expected, error.getMessage());
  }
}
