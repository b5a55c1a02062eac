// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Sessions of Spark for tests: in this process, or with executors of their own. */
final class Sessions {
  private static final List<String> OPENED =
      List.of(
          "java.lang",
          "java.lang.invoke",
          "java.lang.reflect",
          "java.io",
          "java.net",
          "java.nio",
          "java.util",
          "java.util.concurrent",
          "java.util.concurrent.atomic",
          "jdk.internal.ref",
          "sun.nio.ch",
          "sun.nio.cs",
          "sun.util.calendar");

  private Sessions() {}

  /** Returns the session of this process, of two threads. */
  static SparkSession local() {
    return builder("local[2]").getOrCreate();
  }

  /** Starts a session of so many threads in place of the session of this process. */
  static SparkSession threads(int count) {
    if (SparkSession.getDefaultSession().isDefined()) {
      SparkSession.getDefaultSession().get().stop();
    }
    return builder("local[" + count + "]").getOrCreate();
  }

  /** Starts executors, processes of one core each, in place of the session of this process. */
  static SparkSession cluster(int executors) {
    if (SparkSession.getDefaultSession().isDefined()) {
      SparkSession.getDefaultSession().get().stop();
    }
    String options =
        "-XX:+IgnoreUnrecognizedVMOptions --enable-native-access=ALL-UNNAMED "
            + System.getProperty("espalier.executor.options")
            + OPENED.stream()
                .map(name -> " --add-opens=java.base/" + name + "=ALL-UNNAMED")
                .collect(Collectors.joining());
    return builder("local-cluster[" + executors + ",1,1024]")
        .config("spark.executor.memory", "512m")
        .config("spark.executor.extraClassPath", System.getProperty("java.class.path"))
        .config("spark.executor.extraJavaOptions", options)
        .config("spark.executorEnv.JAVA_HOME", System.getProperty("java.home"))
        .getOrCreate();
  }

  private static SparkSession.Builder builder(String master) {
    Path work = Path.of(System.getenv("SPARK_HOME"));
    try {
      Files.createDirectories(work.resolve("jars"));
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    return SparkSession.builder()
        .master(master)
        .appName("espalier")
        .config("spark.ui.enabled", false)
        .config("spark.sql.shuffle.partitions", 2)
        .config("spark.sql.adaptive.enabled", false)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.warehouse.dir", work.resolve("warehouse").toUri().toString());
  }

  /** Points of a square; a third of the answers is not known, as null or NaN. */
  static Dataset<Row> points(SparkSession session, int partitions) {
    return session
        .range(0, 300, 1, partitions)
        .selectExpr("id", "(id * 37 % 101) / 50.0D - 1 as a", "(id * 53 % 103) / 51.0D - 1 as b")
        .selectExpr(
            "*",
            "if(id % 3 = 0, null, a > b) as above",
            "if(id % 3 = 1, double('NaN'), double(a + b > 0.2)) as far",
            "if(id % 5 = 0, null, if(a < -0.3, 'left', if(a < 0.3, 'middle', 'right'))) as side",
            "if(id % 4 = 0, null, float(a - b)) as difference");
  }

  /** Returns what an error of a job says, and its causes. */
  static String messages(Throwable error) {
    StringBuilder text = new StringBuilder();
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      text.append(cause.getMessage()).append('\n');
    }
    return text.toString();
  }
}
