// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs the JMH benchmarks with -prof gc; fails if the form that allocates nothing allocates. */
@Command(name = "jmh", description = "runs the JMH benchmarks with -prof gc")
public final class JmhCommand implements Callable<Integer> {
  /** What is an allocation a call, and not of JMH itself. */
  private static final double BYTES_PER_CALL = 1;

  /**
   * What JMH allocates by itself in an iteration and thread, at most (measured: 6 KB); over the few
   * calls of a large network it would look like theirs.
   */
  private static final double BYTES_PER_ITERATION = 16 << 10;

  private static final String[] WORKLOADS = {"O", "I1", "I2", "I3", "I4", "I5r", "I5m"};
  private static final String[] BATCHES = {"1", "8", "64"};
  private static final List<String> SHARED = List.of("I1", "I2", "I4");
  private static final List<String> JOINED = List.of("I1", "I4", "W");

  @Option(names = "--peers", description = "with ONNX Runtime, which is on the class path")
  private boolean withPeers;

  @Option(names = "--quick", description = "short iterations")
  private boolean isQuick;

  @Option(names = "--filter", description = "regular expression; workloads in which it occurs")
  private String filter = "";

  @Option(names = "--threads", description = "only with that number of callers")
  private int threads;

  @Parameters(index = "0", description = "file to write, in JMH's own CSV")
  private Path out;

  /** Runs and checks what the options ask for. */
  @Override
  public Integer call() throws RunnerException {
    String[] contenders =
        withPeers
            ? new String[] {"espalier", "espalier-bf16", "ort"}
            : new String[] {"espalier", "espalier-bf16"};
    Collection<RunResult> results = new ArrayList<>();
    Pattern wanted = Pattern.compile(filter);
    for (int count : new int[] {1, 2, 4, 8, 64}) {
      if (threads > 0 && threads != count) {
        continue;
      }
      boolean isAlone = count == 1;
      String[] batches = isAlone ? BATCHES : new String[] {"1"};
      String[] workloads = wanted(wanted, isAlone ? List.of(WORKLOADS) : SHARED);
      if (count <= 8 && workloads.length > 0) {
        results.addAll(
            run(
                PredictBenchmark.class,
                count,
                Map.of("contender", contenders, "workload", workloads, "batch", batches)));
        if (isAlone) {
          results.addAll(
              run(ArrayBenchmark.class, count, Map.of("workload", workloads, "batch", batches)));
        }
      }
      String[] joined = wanted(wanted, JOINED);
      if (count != 2 && joined.length > 0) {
        results.addAll(run(BatchingBenchmark.class, count, Map.of("workload", joined)));
      }
    }
    if (results.isEmpty()) {
      System.err.println("expected a --filter that occurs in a workload, got '" + filter + "'");
      return 2;
    }
    ResultFormatFactory.getInstance(ResultFormatType.CSV, out.toString()).writeOut(results);
    List<String> found = allocations(results);
    found.forEach(System.out::println);
    return found.isEmpty() ? 0 : 1;
  }

  private static String[] wanted(Pattern filter, List<String> workloads) {
    return workloads.stream()
        .filter(workload -> filter.matcher(workload).find())
        .toArray(String[]::new);
  }

  private Collection<RunResult> run(Class<?> benchmark, int count, Map<String, String[]> parameters)
      throws RunnerException {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("^" + Pattern.quote(benchmark.getName()) + "\\.")
            .threads(count)
            .addProfiler(GCProfiler.class)
            .jvmArgsAppend(
                "-Dorg.bytedeco.javacpp.cachedir="
                    + System.getProperty("org.bytedeco.javacpp.cachedir"))
            .shouldFailOnError(true);
    parameters.forEach(options::param);
    if (isQuick) {
      options
          .warmupIterations(1)
          .warmupTime(TimeValue.milliseconds(300))
          .measurementIterations(2)
          .measurementTime(TimeValue.milliseconds(300));
    }
    return new Runner(options.build()).run();
  }

  /**
   * Lists the benchmarks of the form from buffer to buffer that allocate. What a call allocates it
   * allocates in every iteration, so the iteration that allocates least has the word: JMH's own
   * work comes in some alone.
   */
  static List<String> allocations(Collection<RunResult> results) {
    List<String> found = new ArrayList<>();
    for (RunResult result : results) {
      BenchmarkParams parameters = result.getParams();
      if (parameters.getBenchmark().equals(PredictBenchmark.class.getName() + ".buffers")
          && parameters.getParam("contender").startsWith("espalier")) {
        double excess =
            result.getBenchmarkResults().stream()
                .flatMap(fork -> fork.getIterationResults().stream())
                .mapToDouble(iteration -> bytesTooMany(iteration, parameters.getThreads()))
                .min()
                .orElse(Double.NaN);
        if (!(excess < 0)) {
          found.add("ALLOCATES " + parameters.id() + (Double.isNaN(excess) ? ": unknown" : ""));
        }
      }
    }
    return found;
  }

  /** Returns bytes a call above what is allowed; NaN without a profiler. */
  private static double bytesTooMany(IterationResult iteration, int threads) {
    Result<?> bytes = iteration.getSecondaryResults().get("gc.alloc.rate.norm");
    double ofJmh = BYTES_PER_ITERATION * threads / iteration.getMetadata().getMeasuredOps();
    return bytes == null ? Double.NaN : bytes.getScore() - Math.max(BYTES_PER_CALL, ofJmh);
  }
}
