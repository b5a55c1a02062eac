// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training of all layers by executors that are processes of their own, and may end. */
class ClusterDataParallelTest {
  private static SparkSession session;
  @TempDir Path folder;

  @BeforeAll
  static void start() {
    session = Sessions.cluster(2);
    session
        .sparkContext()
        .hadoopConfiguration()
        .set("fs.fatal.impl", FatalFileSystem.class.getName());
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  /** The first worker's executor, then the other one, ends at its third checkpoint. */
  @Test
  void aWorkerThatEndsCostsNoBit() throws IOException {
    try (Network backbone = DataParallelTest.backbone()) {
      byte[] expected =
          DataParallelTest.estimator(backbone)
              .setWorkers(1)
              .fit(Sessions.points(session, 2))
              .modelBytes();
      assertArrayEquals(
          expected,
          DataParallelTest.estimator(backbone)
              .setWorkers(2)
              .fit(Sessions.points(session, 3))
              .modelBytes());
      for (String who : List.of("writer", "other")) {
        Path place = Files.createDirectory(folder.resolve(who));
        EspalierEstimator estimator =
            DataParallelTest.estimator(backbone)
                .setWorkers(2)
                .setCheckpointFolder("fatal://" + place)
                .setCheckpointSteps(5);
        assertArrayEquals(expected, estimator.fit(Sessions.points(session, 3)).modelBytes(), who);
        assertEquals(
            who.equals("writer") ? "" : "1 others",
            Files.readString(place.resolve(FatalFileSystem.MARKER)));
        // Nothing was computed again from the beginning: each was written once.
        assertEquals(
            IntStream.rangeClosed(1, 8).mapToObj(i -> String.format("steps-%012d", 5 * i)).toList(),
            Files.readAllLines(place.resolve(FatalFileSystem.LIST)));
        try (Stream<Path> left = Files.list(place)) {
          assertEquals(2, left.count()); // and these two, no checkpoint
        }
      }
    }
  }

  /** Native threads have the name of the one that started them, which is a task's. */
  @Test
  void aTaskHasTheThreadsOfItsCores() {
    try (Network backbone =
        Network.builder(Shape.vector(2))
            .dense("features", 512)
            .relu()
            .dense("more", 512)
            .relu("last")
            .head("old", Head.labels("old"))
            .build(1)) {
      DataParallelTest.estimator(backbone).setWorkers(2).fit(Sessions.points(session, 2));
    }
    List<Long> others =
        JavaSparkContext.fromSparkContext(session.sparkContext())
            .parallelize(List.of(1, 2), 2)
            .map(any -> threadsBesideTasks())
            .collect();
    assertEquals(List.of(0L, 0L), others);
  }

  private static long threadsBesideTasks() throws IOException {
    String name = Files.readString(Path.of("/proc/thread-self/comm")).strip();
    long tasks =
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().startsWith(name))
            .count();
    long all = 0;
    try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
      for (Path thread : threads.toList()) {
        try {
          all += Files.readString(thread.resolve("comm")).strip().equals(name) ? 1 : 0;
        } catch (IOException over) {
          // a thread that ended meanwhile
        }
      }
    }
    if (tasks == 0) {
      throw new IllegalStateException("expected the name of a task, got " + name);
    }
    return all - tasks;
  }
}
