// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.spark;

import com.sun.management.OperatingSystemMXBean;
import dev.espalier.bench.ResultsFile;
import dev.espalier.bench.Samples;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Workloads Spark: features of rows that are cached in memory, all written to nowhere, by {@code
 * EspalierModel}, by ONNX Runtime in {@code mapPartitions}, and by as many threads without Spark,
 * in turn; and training.
 */
@Command(
    name = "spark",
    mixinStandardHelpOptions = true,
    description = "Races features of rows in Spark: this library, ONNX Runtime, and no Spark.")
public final class SparkRace implements Callable<Integer> {
  private static final double TOLERANCE = 1e-4;

  /** Of all rows in a job, so that what a job costs once is a small part. */
  private static final int PASSES = 6;

  private static final String CLUSTER = "-cluster";
  private static final OperatingSystemMXBean PROCESS =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

  @Option(names = "--out", description = "rows are added to it (default: ${DEFAULT-VALUE})")
  private Path results = Path.of("target/bench/results.csv");

  @Option(names = "--rounds", description = "runs of each cell (default: ${DEFAULT-VALUE})")
  private int rounds = 7;

  @Option(names = "--cores", description = "default: all")
  private int cores = Runtime.getRuntime().availableProcessors();

  @Option(names = "--filter", description = "regular expression; workloads in which it occurs")
  private String filter = "";

  /** Version 1.29 ends executors that are processes of their own by SIGSEGV. */
  @Option(
      names = "--onnx-in-executors",
      description = "tries ONNX Runtime in processes of Spark's too, whose end it may be")
  private boolean triesOnnxInExecutors;

  /** Runs the race. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new SparkRace()).execute(arguments));
  }

  @Override
  public Integer call() throws Exception {
    Path folder = Files.createDirectories(results.toAbsolutePath().resolveSibling("spark"));
    ResultsFile file = ResultsFile.open(results);
    for (boolean isCluster : new boolean[] {false, true}) {
      String where = isCluster ? CLUSTER : "";
      try (SparkWork pictures = new PictureWork(folder);
          SparkWork texts = new TextWork(folder)) {
        List<SparkWork> wanted = new ArrayList<>(List.of(pictures, texts));
        wanted.removeIf(work -> !isWanted(work.name() + where));
        if (!wanted.isEmpty()) {
          try (SparkSession session = Sessions.start(folder, cores, isCluster)) {
            for (SparkWork work : wanted) {
              race(session, work, work.name() + where, file);
            }
          }
        }
      }
    }
    if (isWanted(TrainingRace.NAME)) {
      new TrainingRace(folder, file).run(cores);
    }
    return 0;
  }

  private boolean isWanted(String workload) {
    return Pattern.compile(filter).matcher(workload).find();
  }

  private void race(SparkSession session, SparkWork work, String name, ResultsFile file)
      throws Exception {
    Dataset<Row> once = work.rows(session).repartition(cores).cache();
    Dataset<Row> all = once;
    for (int pass = 1; pass < PASSES; pass++) {
      all = all.union(once);
    }
    Dataset<Row> rows = all.coalesce(cores);
    long count = (long) PASSES * work.count();
    Map<String, Callable<Void>> contenders = new LinkedHashMap<>();
    contenders.put("espalier", () -> save(work.espalier(rows)));
    if (name.endsWith(CLUSTER) && !triesOnnxInExecutors) {
      System.out.println("SKIPPED ort of " + name + ": see --onnx-in-executors");
    } else {
      requireEqualAnswers(work, once.orderBy("id").limit(8));
      contenders.put("ort", () -> save(work.onnxRuntime(rows)));
    }
    contenders.put("without-spark", () -> withoutSpark(work));
    Map<String, List<Double>> perSecond = new LinkedHashMap<>();
    Map<String, List<Double>> cpuMicros = new LinkedHashMap<>();
    for (int round = -1; round < rounds; round++) {
      for (Map.Entry<String, Callable<Void>> contender : contenders.entrySet()) {
        long start = System.nanoTime();
        long cpuStart = PROCESS.getProcessCpuTime();
        contender.getValue().call();
        double cpu = (PROCESS.getProcessCpuTime() - cpuStart) * 1e-3 / count;
        double value = count / ((System.nanoTime() - start) * 1e-9);
        if (round >= 0) { // the first one warms up
          perSecond.computeIfAbsent(contender.getKey(), key -> new ArrayList<>()).add(value);
          cpuMicros.computeIfAbsent(contender.getKey(), key -> new ArrayList<>()).add(cpu);
        }
      }
    }
    once.unpersist(true);
    report(name, "rows_per_s", perSecond, true, file);
    if (!name.endsWith(CLUSTER)) { // else it is other processes' time
      report(name, "cpu_us_per_row", cpuMicros, false, file);
    }
  }

  /** Adds medians, and prints them with those of the ratios of one round. */
  private void report(
      String name,
      String metric,
      Map<String, List<Double>> figures,
      boolean isHigherBetter,
      ResultsFile file) {
    StringBuilder line = new StringBuilder(name + ", " + metric + ":");
    List<Double> ours = figures.get("espalier");
    figures.forEach(
        (contender, values) -> {
          double median = Samples.median(values.stream().mapToDouble(v -> v).toArray());
          file.add(new ResultsFile.Key(name, contender, cores, SparkWork.BATCH, metric), median);
          double[] ratios = new double[values.size()];
          for (int i = 0; i < ratios.length; i++) {
            double ratio = ours.get(i) / values.get(i);
            ratios[i] = isHigherBetter ? ratio : 1 / ratio;
          }
          line.append(
              String.format(
                  Locale.ROOT, "  %s %.4g (%.2fx)", contender, median, Samples.median(ratios)));
        });
    System.out.println(line);
  }

  private static Void save(Dataset<?> rows) {
    rows.write().format("noop").mode("overwrite").save();
    return null;
  }

  private Void withoutSpark(SparkWork work) throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < cores; t++) {
      int first = t * work.count() / cores;
      int end = (t + 1) * work.count() / cores;
      threads.add(
          new Thread(
              () -> {
                for (int pass = 0; pass < PASSES; pass++) {
                  work.withoutSpark(first, end);
                }
              }));
      threads.get(t).start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    return null;
  }

  /** Before anything is timed: both say the same, relative to the largest. */
  private static void requireEqualAnswers(SparkWork work, Dataset<Row> rows) throws IOException {
    List<float[]> ours =
        work.espalier(rows)
            .select(
                org.apache.spark.ml.functions.vector_to_array(
                    functions.col(SparkWork.FEATURES), "float32"))
            .as(rows.sparkSession().implicits().newFloatArrayEncoder())
            .collectAsList();
    List<float[]> theirs = work.onnxRuntime(rows).collectAsList();
    for (int row = 0; row < ours.size(); row++) {
      double largest = 0;
      double difference = 0;
      for (int i = 0; i < ours.get(row).length; i++) {
        largest = Math.max(largest, Math.abs(theirs.get(row)[i]));
        difference = Math.max(difference, Math.abs(ours.get(row)[i] - theirs.get(row)[i]));
      }
      if (!(difference <= TOLERANCE * largest)) {
        throw new IOException(work.name() + ": the answers of row " + row + " differ");
      }
    }
  }
}
