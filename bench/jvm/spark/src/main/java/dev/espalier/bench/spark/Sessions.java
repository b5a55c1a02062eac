// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.spark;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/** Sessions of Spark on this machine. */
final class Sessions {
  private Sessions() {}

  /**
   * Starts a session of so many threads of this process, or of so many executors, processes of one
   * core each. Those have this process's class path, and its options but for the heap.
   */
  static SparkSession start(Path folder, int cores, boolean isCluster) throws IOException {
    Files.createDirectories(Path.of(System.getenv("SPARK_HOME"), "jars"));
    String options =
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
            .filter(argument -> !argument.startsWith("-Xm"))
            .collect(Collectors.joining(" "));
    return SparkSession.builder()
        .master(isCluster ? "local-cluster[" + cores + ",1,2048]" : "local[" + cores + "]")
        .appName("espalier")
        .config("spark.ui.enabled", false)
        .config("spark.log.level", "ERROR")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.executor.memory", "2048m")
        .config("spark.executor.extraClassPath", System.getProperty("java.class.path"))
        .config("spark.executor.extraJavaOptions", options)
        .config("spark.executorEnv.JAVA_HOME", System.getProperty("java.home"))
        .config("spark.sql.warehouse.dir", folder.resolve("warehouse").toUri().toString())
        .getOrCreate();
  }

  /** Returns rows as a plan that does not hold them: Spark hashes what a plan holds, each time. */
  static Dataset<Row> frame(SparkSession session, List<Row> rows, StructType schema) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
    return session.createDataFrame(context.parallelize(rows), schema);
  }
}
