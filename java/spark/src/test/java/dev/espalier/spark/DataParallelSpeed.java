// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.AdamW;
import dev.espalier.DataParallelTrainer;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Espalier;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Shape;
import dev.espalier.Trainer;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/**
 * CPU time, of one thread, of what a step of {@link EspalierEstimator#trainAll} consists of:
 * medians of rounds in turn. Not a test: docs/spark.md says how to run it.
 */
public final class DataParallelSpeed {
  private static final int BATCH = 128;
  private static final int SHARDS = 8;
  private static final int ROUNDS = 25;

  private DataParallelSpeed() {}

  /** Prints a line for each network. */
  public static void main(String[] arguments) throws Exception {
    Espalier.setThreads(1);
    try (Network small =
            Network.builder(Shape.image(1, 28, 28))
                .conv2d(32, 3)
                .relu()
                .maxPool2d(2)
                .conv2d(64, 3)
                .relu()
                .maxPool2d(2)
                .flatten()
                .dense(128)
                .relu()
                .head("kind", Head.classes(10))
                .build(1);
        Network large =
            Network.builder(Shape.image(3, 64, 64))
                .conv2d(32, 3)
                .relu()
                .conv2d(32, 3)
                .relu()
                .maxPool2d(2)
                .conv2d(64, 3)
                .relu()
                .conv2d(64, 3)
                .relu()
                .maxPool2d(2)
                .flatten()
                .dense(256)
                .relu()
                .head("kind", Head.classes(10))
                .build(1)) {
      measure("two convolutions, 28 x 28 (T-I3)", small);
      measure("four convolutions, 64 x 64", large);
    }
  }

  private static void measure(String name, Network network) throws Exception {
    int size = network.inputShape().size();
    SplittableRandom random = new SplittableRandom(1);
    float[] inputs = new float[BATCH * size];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = (float) random.nextDouble() - 0.5f;
    }
    int[] classes = IntStream.range(0, BATCH).map(i -> i % 10).toArray();
    Dataset data = Datasets.ofClasses(inputs, network.inputShape(), classes);
    int[][] shards = shards();
    double[] whole = new double[ROUNDS];
    double[] parts = new double[ROUNDS];
    double[] sums = new double[ROUNDS];
    double[] steps = new double[ROUNDS];
    double[] exchanges = new double[ROUNDS];
    int floats;
    Trainer settings =
        Trainer.of(network).optimizer(AdamW.withLearningRate(1e-3)).batchSize(BATCH).steps(10_000);
    ExecutorService threads = Executors.newSingleThreadExecutor();
    WorkerSecret secret = WorkerSecret.draw();
    try (WorkerLinks first = new WorkerLinks(0, 2, "127.0.0.1", secret, Duration.ofHours(1));
        WorkerLinks second = new WorkerLinks(1, 2, "127.0.0.1", secret, Duration.ofHours(1));
        DataParallelTrainer trainer = DataParallelTrainer.of(settings, data, BATCH)) {
      String[] addresses = {first.address(), second.address()};
      Future<?> connected = threads.submit(() -> connect(second, addresses));
      first.connect(addresses);
      connected.get();
      floats = trainer.gradientsSize();
      int[] all = IntStream.range(0, BATCH).toArray();
      for (int round = -3; round < ROUNDS; round++) {
        long[] totals = new long[trainer.totalsSize()];
        trainer.addTotals(all, totals);
        double[] marks = new double[6];
        marks[0] = seconds();
        trainer.gradients(totals, 0, all);
        marks[1] = seconds();
        float[][] gradients = new float[SHARDS][];
        for (int i = 0; i < SHARDS; i++) {
          gradients[i] = trainer.gradients(totals, i * (BATCH / SHARDS), shards[i]);
        }
        marks[2] = seconds();
        float[][] copies = Arrays.stream(gradients).map(float[]::clone).toArray(float[][]::new);
        marks[3] = seconds();
        float[] sum = tree(gradients, 0, SHARDS).sum();
        marks[4] = seconds();
        trainer.apply(totals, sum);
        marks[5] = seconds();
        int count = floats;
        ShardTree left = tree(copies, 0, SHARDS / 2);
        ShardTree right = tree(copies, SHARDS / 2, SHARDS);
        Future<float[]> other = threads.submit(() -> second.sum(right, count));
        double before = seconds();
        first.sum(left, count);
        double after = seconds();
        other.get();
        if (round >= 0) {
          whole[round] = marks[1] - marks[0];
          parts[round] = marks[2] - marks[1];
          sums[round] = marks[4] - marks[3];
          steps[round] = marks[5] - marks[4];
          exchanges[round] = after - before;
        }
      }
    } finally {
      threads.shutdownNow();
    }
    System.out.printf(
        Locale.ROOT,
        "%s: %d floats; gradients of %d as one %.1f ms, as %d shards %.1f ms; sum %.2f ms;"
            + " update %.2f ms; exchange with one other %.2f ms%n",
        name,
        floats,
        BATCH,
        median(whole),
        SHARDS,
        median(parts),
        median(sums),
        median(steps),
        median(exchanges));
  }

  private static Void connect(WorkerLinks links, String[] addresses) throws Exception {
    links.connect(addresses);
    return null;
  }

  private static int[][] shards() {
    int size = BATCH / SHARDS;
    return IntStream.range(0, SHARDS)
        .mapToObj(s -> IntStream.range(s * size, (s + 1) * size).toArray())
        .toArray(int[][]::new);
  }

  private static ShardTree tree(float[][] gradients, int first, int end) {
    ShardTree tree = new ShardTree(SHARDS);
    for (int i = first; i < end; i++) {
      tree.add(new ShardTree.Part(i, i + 1, gradients[i]));
    }
    return tree;
  }

  private static double seconds() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() * 1e-9;
  }

  private static double median(double[] seconds) {
    double[] sorted = seconds.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2] * 1e3;
  }
}
