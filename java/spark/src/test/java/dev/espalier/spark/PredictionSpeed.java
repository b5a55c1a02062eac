// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import com.sun.management.OperatingSystemMXBean;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.Shape;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * CPU time of {@link EspalierModel} in {@code local[2]}, all threads of the process counted, beside
 * that of two threads that predict the same rows by one predictor without Spark: medians of rounds
 * in turn. CPU time, as it hardly depends on what else a machine does. Not a test: docs/spark.md
 * says how to run it.
 */
public final class PredictionSpeed {
  private static final OperatingSystemMXBean PROCESS =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
  private static final int THREADS = 2;
  private static final int BATCH = 64;
  private static final int ROUNDS = 7;

  private PredictionSpeed() {}

  /** Prints a line for each network. */
  public static void main(String[] arguments) throws Exception {
    try (Network dense =
            Network.builder(Shape.vector(784))
                .dense("a", 256)
                .relu()
                .dense("b", 128)
                .relu()
                .head("kind", Head.classes(10))
                .build(1);
        Network small =
            Network.builder(Shape.image(1, 28, 28))
                .conv2d("a", 16, 3)
                .relu()
                .maxPool2d(2)
                .conv2d("b", 32, 3)
                .relu()
                .maxPool2d(2)
                .head("kind", Head.classes(10))
                .build(1);
        Network large =
            Network.builder(Shape.image(3, 64, 64))
                .conv2d("a", 32, 3)
                .relu()
                .conv2d("b", 32, 3)
                .relu()
                .maxPool2d(2)
                .conv2d("c", 64, 3)
                .relu()
                .conv2d("d", 64, 3)
                .relu()
                .head("kind", Head.classes(10))
                .build(1)) {
      measure("dense 784-256-128-10", dense, 40_000);
      measure("two convolutions, 28 x 28", small, 20_000);
      measure("four convolutions, 64 x 64", large, 1_000);
    }
  }

  private static void measure(String name, Network network, int count) throws Exception {
    SparkSession session = Sessions.local();
    SplittableRandom random = new SplittableRandom(1);
    int size = network.inputShape().size();
    float[][] inputs = new float[count][size];
    List<Row> rows = new ArrayList<>();
    for (float[] input : inputs) {
      double[] values = new double[size];
      for (int i = 0; i < size; i++) {
        input[i] = (float) random.nextDouble();
        values[i] = input[i];
      }
      rows.add(RowFactory.create(Vectors.dense(values)));
    }
    Dataset<Row> cached =
        session
            .createDataFrame(rows, new StructType().add("x", SQLDataTypes.VectorType()))
            .repartition(THREADS)
            .cache();
    cached.count();
    rows.clear();
    Dataset<Row> answers = EspalierModel.of(network).setInputCols("x").transform(cached);
    double[] ratios = new double[ROUNDS];
    double[] micros = new double[ROUNDS];
    try (Predictor predictor =
        network.predictor(PredictorOptions.defaults().threads(1).maxBatchSize(BATCH))) {
      for (int round = -1; round < ROUNDS; round++) {
        double spark = seconds(() -> answers.write().format("noop").mode("overwrite").save());
        double bare = seconds(() -> bare(predictor, inputs));
        if (round >= 0) {
          ratios[round] = spark / bare;
          micros[round] = bare / count * 1e6;
        }
      }
    }
    cached.unpersist(true);
    Arrays.sort(ratios);
    Arrays.sort(micros);
    System.out.printf(
        Locale.ROOT,
        "%s: %.1f us a row without Spark, with it %.2f (%.2f to %.2f) of that%n",
        name,
        micros[ROUNDS / 2],
        ratios[ROUNDS / 2],
        ratios[0],
        ratios[ROUNDS - 1]);
  }

  private interface Work {
    void run() throws Exception;
  }

  private static double seconds(Work work) throws Exception {
    long start = PROCESS.getProcessCpuTime();
    work.run();
    return (PROCESS.getProcessCpuTime() - start) * 1e-9;
  }

  private static void bare(Predictor predictor, float[][] inputs) throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < THREADS; t++) {
      int first = t;
      threads.add(new Thread(() -> part(predictor, inputs, first)));
      threads.get(t).start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
  }

  private static void part(Predictor predictor, float[][] inputs, int first) {
    int size = predictor.inputSize();
    BatchBuffers buffers = BatchBuffers.of(BATCH, size, predictor.outputSize());
    float[] answers = new float[BATCH * predictor.outputSize()];
    int filled = 0;
    for (int i = first; i < inputs.length; i += THREADS) {
      buffers.inputs().put(filled++ * size, inputs[i]);
      if (filled == BATCH || i + THREADS >= inputs.length) {
        predictor.predict(
            buffers.inputs().slice(0, filled * size),
            buffers.outputs().slice(0, filled * predictor.outputSize()));
        buffers.outputs().get(0, answers, 0, filled * predictor.outputSize());
        filled = 0;
      }
    }
  }
}
