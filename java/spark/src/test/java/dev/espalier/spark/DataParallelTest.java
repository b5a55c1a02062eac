// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Head;
import dev.espalier.Metric;
import dev.espalier.Network;
import dev.espalier.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training of all layers by tasks that run at once, in one process. */
class DataParallelTest {
  private static SparkSession session;
  @TempDir Path folder;

  @BeforeAll
  static void start() {
    session = Sessions.threads(4);
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  /** With batch norm and dropout. */
  static Network backbone() {
    return Network.builder(Shape.vector(2))
        .dense("features", 16)
        .batchNorm("norm")
        .relu()
        .dropout(0.1)
        .dense("more", 8)
        .relu("last")
        .head("old", Head.labels("old"))
        .build(1);
  }

  static EspalierEstimator estimator(Network backbone) {
    return EspalierEstimator.of(backbone)
        .setInputCols("a", "b")
        .setLabelCols("above", "far")
        .setClassCols("side")
        .setValueCols("difference")
        .setLearningRates(0.02)
        .trainAll(4);
  }

  @Test
  void theSameBitsForAnyNumberOfWorkers() {
    try (Network backbone = backbone()) {
      EspalierModel model = estimator(backbone).setWorkers(1).fit(Sessions.points(session, 1));
      byte[] expected = model.modelBytes();
      for (int workers = 2; workers <= 4; workers++) {
        Dataset<Row> others = Sessions.points(session, workers).orderBy(workers == 3 ? "b" : "id");
        assertArrayEquals(
            expected, estimator(backbone).setWorkers(workers).fit(others).modelBytes());
      }
      assertArrayEquals(
          expected, estimator(backbone).fit(Sessions.points(session, 3)).modelBytes());
      assertFalse(
          Arrays.equals(
              expected,
              estimator(backbone).setSeed(1).fit(Sessions.points(session, 1)).modelBytes()));
      try (Network trained = Network.load(expected)) {
        for (String path : new String[] {"features.weight", "norm.running_mean", "more.bias"}) {
          assertFalse(Arrays.equals(backbone.parameter(path), trained.parameter(path)), path);
        }
      }
    }
  }

  @Test
  void allTasksAreLearnt() {
    try (Network backbone = backbone()) {
      Dataset<Row> rows = Sessions.points(session, 2);
      Dataset<Row> answers =
          estimator(backbone).trainAll(40).setWorkers(2).fit(rows).transform(rows);
      double auc = new EspalierEvaluator().setMetric(Metric.MACRO_AUC).evaluate(answers);
      assertTrue(auc > 0.95, "" + auc);
      double sides =
          new EspalierEvaluator().setTask("side").setMetric(Metric.ACCURACY).evaluate(answers);
      assertTrue(sides > 0.8, "" + sides);
    }
  }

  @Test
  void frozenLayersStay() {
    try (Network backbone = backbone()) {
      EspalierModel model =
          estimator(backbone).freezeThrough("norm").setWorkers(2).fit(Sessions.points(session, 2));
      try (Network trained = Network.load(model.modelBytes())) {
        for (String path : new String[] {"features.weight", "norm.running_mean"}) {
          assertArrayEquals(backbone.parameter(path), trained.parameter(path));
        }
      }
    }
  }

  /** A step that ends the training follows one whose checkpoint was written. */
  @Test
  void aJobThatFailsLeavesNoCheckpoints() throws IOException {
    try (Network backbone = backbone()) {
      EspalierEstimator estimator =
          estimator(backbone)
              .setLearningRates(1e30)
              .setCheckpointFolder(folder.toUri().toString())
              .setCheckpointSteps(1)
              .setWorkers(2);
      Dataset<Row> rows = Sessions.points(session, 2);
      Exception error = assertThrows(Exception.class, () -> estimator.fit(rows));
      assertTrue(
          Sessions.messages(error).contains("expected a finite value"), Sessions.messages(error));
      try (Stream<Path> left = Files.list(folder)) {
        assertEquals(List.of(), left.toList());
      }
    }
  }

  @Test
  void whatItTakes() {
    try (Network backbone = backbone()) {
      refused(
          estimator(backbone).setLearningRates(0.1, 0.2),
          "learningRates: expected one where all is trained, got 2");
      refused(
          estimator(backbone).setShards(2).setWorkers(3),
          "workers: expected at most one for each of 2 shards, got 3");
      refused(
          estimator(backbone).setTrainingBatchSize(4),
          "trainingBatchSize: expected at least one row for each of 8 shards, got 4");
      refused(
          estimator(backbone).setShards(32).setTrainingBatchSize(400),
          "rows: expected at least 32 to train on, one a shard, got 30");
      refused(
          estimator(backbone).setValidationCol("above"),
          "validationCol, tuneThresholds: expected neither where all is trained");
    }
  }

  private static void refused(EspalierEstimator estimator, String message) {
    Dataset<Row> rows = Sessions.points(session, 1).where("id < 30");
    RuntimeException error = assertThrows(RuntimeException.class, () -> estimator.fit(rows));
    assertEquals(message, error.getMessage());
  }

  @Test
  void rowsThatAreNoneFailOrAreLeftOut() {
    try (Network backbone = backbone()) {
      Dataset<Row> rows = Sessions.points(session, 1).selectExpr("*", "if(id = 7, null, a) as c");
      EspalierEstimator estimator = estimator(backbone).setInputCols("c", "b").setWorkers(1);
      Exception error = assertThrows(Exception.class, () -> estimator.fit(rows));
      assertTrue(
          Sessions.messages(error).contains("row 7 of partition 0, from 0: column \"c\""),
          Sessions.messages(error));
      byte[] skipped = estimator.setHandleInvalid("skip").fit(rows).modelBytes();
      assertArrayEquals(skipped, estimator.fit(rows.where("id != 7")).modelBytes());
    }
  }
}
