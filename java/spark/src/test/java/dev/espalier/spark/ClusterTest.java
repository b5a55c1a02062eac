// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Shape;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Two executors, each a process of its own. */
class ClusterTest {
  private static SparkSession session;

  @BeforeAll
  static void start() {
    session = Sessions.cluster(2);
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  private static Network network() {
    return Network.builder(Shape.vector(2))
        .dense("features", 4)
        .relu()
        .head("use", Head.labels("shoe", "top"))
        .build(3);
  }

  private static Dataset<Row> rows(int partitions) {
    return session
        .range(0, 400, 1, partitions)
        .selectExpr("id", "cast(id % 17 as double) as a", "cast(id % 5 as double) as b");
  }

  @Test
  void executorsAnswerAsTheDriverWithOnePredictorEach() {
    try (Network network = network()) {
      EspalierModel model = EspalierModel.of(network).setInputCols("a", "b");
      List<Row> of1 = model.transform(rows(1)).collectAsList();
      assertEquals(of1, model.transform(rows(7)).collectAsList());
      List<Integer> counts =
          JavaSparkContext.fromSparkContext(session.sparkContext())
              .parallelize(IntStream.range(0, 8).boxed().toList(), 8)
              .map(i -> SharedPredictor.count())
              .collect();
      assertTrue(counts.stream().allMatch(count -> count <= 1), counts::toString);
      assertTrue(counts.contains(1), counts::toString);
    }
  }

  @Test
  void aBadRowEndsTheJobAndNoExecutor() {
    try (Network network = network()) {
      EspalierModel model = EspalierModel.of(network).setInputCols("a", "b");
      Dataset<Row> bad = rows(4).selectExpr("id", "if(id = 350, null, a) as a", "b");
      Exception error = assertThrows(Exception.class, () -> model.transform(bad).collectAsList());
      String message = Sessions.messages(error);
      assertTrue(
          message.contains(
              "row 50 of partition 3, from 0: column \"a\": expected a finite number, got null"),
          message);
      assertEquals(3, session.sparkContext().statusTracker().getExecutorInfos().length);
      assertEquals(400, model.transform(rows(4)).collectAsList().size());
    }
  }
}
