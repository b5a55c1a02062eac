// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Adds the results of a native benchmark, as Google Benchmark's JSON, to a results file. Benchmarks
 * named {@code workload/contender/metric/batch} have their result in the counter "value"; of others
 * the time becomes {@code N-PROGRAM-NAME,espalier,…,time_us}, the counter "GFLOPS" {@code gflops},
 * and "gbps" the metric of the limit that it compares with, by the counter "level": {@code l1_gbps}
 * to {@code l3_gbps}, {@code dram_gbps}. Of repetitions the median counts. If a benchmark found a
 * wrong result, the file is refused.
 */
@Command(name = "import", description = "adds the JSON of a native benchmark to the results")
public final class ImportCommand implements Callable<Integer> {
  @Option(names = "--threads", defaultValue = "1", description = "what the benchmark ran with")
  private int threads;

  @Parameters(index = "0", description = "results to add to")
  private Path results;

  @Parameters(index = "1", description = "Google Benchmark's JSON")
  private Path json;

  @Override
  public Integer call() throws IOException {
    JsonNode root = new ObjectMapper().readTree(json.toFile());
    List<String> errors = errors(root);
    if (!errors.isEmpty()) {
      errors.forEach(error -> System.err.println(json.getFileName() + ": " + error));
      return 1;
    }
    JsonNode context = root.get("context");
    Versions versions = new Versions(results.resolveSibling("versions.json"));
    for (String library : new String[] {"mkl", "onednn", "openblas"}) {
      if (context.has(library)) {
        versions.put(library, context.get(library).textValue());
      }
    }
    String program = Path.of(context.get("executable").textValue()).getFileName().toString();
    String prefix = "N-" + program.replace("_benchmark", "") + "-";
    ResultsFile file = ResultsFile.open(results);
    for (Map.Entry<ResultsFile.Key, Double> row : rows(root, prefix, threads).entrySet()) {
      file.add(row.getKey(), row.getValue());
    }
    return 0;
  }

  /** What went wrong, by benchmark. */
  static List<String> errors(JsonNode root) {
    List<String> errors = new ArrayList<>();
    for (JsonNode benchmark : root.get("benchmarks")) {
      if (benchmark.path("error_occurred").asBoolean()) {
        errors.add(
            benchmark.path("name").asText() + ": " + benchmark.path("error_message").asText());
      }
    }
    if (root.get("benchmarks").isEmpty()) {
      errors.add("no benchmark ran");
    }
    return errors;
  }

  /** The rows that a file gives, in its order. */
  static Map<ResultsFile.Key, Double> rows(JsonNode root, String prefix, int threads) {
    Map<ResultsFile.Key, Double> rows = new LinkedHashMap<>();
    boolean hasRepetitions = false;
    for (JsonNode benchmark : root.get("benchmarks")) {
      hasRepetitions |= benchmark.has("aggregate_name");
    }
    Iterator<JsonNode> benchmarks = root.get("benchmarks").elements();
    while (benchmarks.hasNext()) {
      JsonNode benchmark = benchmarks.next();
      String aggregate = benchmark.path("aggregate_name").asText("");
      if (hasRepetitions && !aggregate.equals("median")) {
        continue;
      }
      String name = benchmark.get("run_name").textValue();
      String[] parts = name.split("/");
      if (parts.length >= 4 && benchmark.has("value") && parts[3].matches("[0-9]+")) {
        ResultsFile.Key key =
            new ResultsFile.Key(parts[0], parts[1], threads, Integer.parseInt(parts[3]), parts[2]);
        rows.put(key, benchmark.get("value").doubleValue());
      } else {
        String plain = name.replaceAll("/real_time|/iterations:[0-9]+", "").replace(',', ';');
        boolean isOpenBlas = plain.startsWith("openblas/");
        String contender = isOpenBlas ? "openblas" : "espalier";
        String workload = prefix + plain.replaceFirst("^(espalier|openblas)/", "");
        rows.put(
            new ResultsFile.Key(workload, contender, threads, 1, "time_us"),
            benchmark.get("real_time").doubleValue() * scale(benchmark));
        if (benchmark.has("GFLOPS")) {
          rows.put(
              new ResultsFile.Key(workload, contender, threads, 1, "gflops"),
              benchmark.get("GFLOPS").doubleValue());
        }
        if (benchmark.has("gbps")) {
          String metric = MachineLimits.bandwidth(benchmark.get("level").asInt());
          rows.put(
              new ResultsFile.Key(workload, contender, threads, 1, metric),
              benchmark.get("gbps").doubleValue());
        }
      }
    }
    return rows;
  }

  private static double scale(JsonNode benchmark) {
    return switch (benchmark.get("time_unit").textValue()) {
      case "ns" -> 1e-3;
      case "us" -> 1;
      case "ms" -> 1e3;
      default -> 1e6;
    };
  }
}
