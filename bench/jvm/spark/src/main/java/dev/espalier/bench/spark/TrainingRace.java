// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.spark;

import dev.espalier.Network;
import dev.espalier.bench.Networks;
import dev.espalier.bench.ResultsFile;
import dev.espalier.bench.Samples;
import dev.espalier.spark.EspalierEstimator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Workload Spark-T-I3: all layers of I3 trained by one executor of one core, and by as many as
 * there are cores, in turn. A fit of few epochs is taken off one of more, so that what is left is
 * steps.
 */
final class TrainingRace {
  static final String NAME = "Spark-T-I3";

  private static final int EXAMPLES = 8192;
  private static final int BATCH = 1024;
  private static final int FEW = 1;
  private static final int MORE = 17;
  private static final int ROUNDS = 3;
  private static final int SEED = 5;

  private final Path folder;
  private final ResultsFile file;

  TrainingRace(Path folder, ResultsFile file) {
    this.folder = folder;
    this.file = file;
  }

  void run(int cores) throws IOException {
    double[] one = new double[ROUNDS];
    double[] all = new double[ROUNDS];
    double[] ratios = new double[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
      one[round] = samplesPerSecond(1);
      all[round] = samplesPerSecond(cores);
      ratios[round] = all[round] / one[round];
    }
    add(1, Samples.median(one));
    add(cores, Samples.median(all));
    System.out.printf(
        Locale.ROOT,
        "%s, batch %d, samples/s: one executor %.4g, %d executors %.4g (%.2fx)%n",
        NAME,
        BATCH,
        Samples.median(one),
        cores,
        Samples.median(all),
        Samples.median(ratios));
  }

  private void add(int executors, double value) {
    file.add(new ResultsFile.Key(NAME, "espalier", executors, BATCH, "samples_per_s"), value);
  }

  private double samplesPerSecond(int executors) throws IOException {
    try (SparkSession session = Sessions.start(folder, executors, true);
        Network network = Networks.build("I3")) {
      Dataset<Row> rows = rows(session, network.inputShape().size()).repartition(executors).cache();
      EspalierEstimator estimator =
          EspalierEstimator.of(network)
              .setInputCols("pixels")
              .setClassCols("kind")
              .setTrainingBatchSize(BATCH)
              .setLearningRates(1e-3)
              .setWorkers(executors);
      seconds(estimator, rows, FEW); // warms up
      double few = seconds(estimator, rows, FEW);
      double more = seconds(estimator, rows, MORE);
      return EXAMPLES * (MORE - FEW) / (more - few);
    }
  }

  private static double seconds(EspalierEstimator estimator, Dataset<Row> rows, int epochs) {
    long start = System.nanoTime();
    estimator.trainAll(epochs).fit(rows);
    return (System.nanoTime() - start) * 1e-9;
  }

  private static Dataset<Row> rows(SparkSession session, int size) {
    Random random = new Random(SEED);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < EXAMPLES; i++) {
      double[] pixels = new double[size];
      for (int k = 0; k < size; k++) {
        pixels[k] = random.nextFloat() - 0.5f;
      }
      rows.add(RowFactory.create(Vectors.dense(pixels), "kind" + i % 10));
    }
    StructType schema =
        new StructType()
            .add("pixels", SQLDataTypes.VectorType(), false)
            .add("kind", DataTypes.StringType, false);
    return Sessions.frame(session, rows, schema);
  }
}
