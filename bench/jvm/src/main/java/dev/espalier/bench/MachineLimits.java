// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a result is of what the machine can do at most, measured in the same run. */
final class MachineLimits {
  /** Multiply-adds of one prediction, and those of the first layer. */
  private static final Map<String, double[]> MULTIPLY_ADDS =
      Map.ofEntries(
          entry("I1", 234_752, 784 * 256),
          entry("I2", 29_952, 103 * 256),
          entry("I3", 4.24e6, 9 * 32 * 28 * 28),
          entry("I4", 153.8e6, 27 * 64 * 32 * 32),
          entry("I5r", 1.81e9, 0),
          entry("I5m", 0.30e9, 0),
          entry("I5r-224", 1.81e9, 147 * 64 * 112 * 112),
          entry("I5r-64", 148.1e6, 147 * 64 * 32 * 32),
          entry("I5m-224", 0.30e9, 27 * 32 * 112 * 112),
          entry("I5m-64", 24.5e6, 27 * 32 * 32 * 32),
          entry("I6-16", 171.0e6, 0),
          entry("I6-64", 698.4e6, 0),
          entry("I6-128", 1434.5e6, 0),
          entry("I7", 1.246e9, 0),
          entry("I8", 0.386e9, 0));

  private final Map<String, Double> limits = new HashMap<>();

  private static Map.Entry<String, double[]> entry(String workload, double all, double first) {
    return Map.entry(workload, new double[] {all, first});
  }

  MachineLimits(List<ResultsFile.Row> rows) {
    for (ResultsFile.Row row : rows) {
      if (row.key().workload().equals("machine")) {
        limits.put(row.key().metric(), row.value());
      }
    }
  }

  /**
   * The share of the limit that binds: of reading weights from L2 for the product of a vector and a
   * matrix that fits there, of reading from where the data lies for what goes through them once, of
   * multiply-adds for everything else; "" where there is none. A training step has three times
   * those of the prediction, less the gradient by the network's input, which nobody needs. Above
   * 100 % only by an algorithm with fewer multiply-adds (Winograd).
   */
  String share(ResultsFile.Key key, double value) {
    Double peak = limits.get("fma_gflops");
    if (peak == null) {
      return "";
    }
    if (key.metric().startsWith("gflops")) {
      boolean isVector = key.workload().startsWith("G-xw") && key.batch() == 1;
      if (isVector && limits.containsKey("l2_gbps") && !key.workload().contains("1024")) {
        // Two operations for each weight of four bytes.
        return percent(2 * value / limits.get("l2_gbps"), "L2");
      }
      return percent(value / (peak * key.threads()), "FMA");
    }
    if (key.metric().endsWith("_gbps") && limits.containsKey(key.metric())) {
      String where = key.metric().replace("_gbps", "").toUpperCase(Locale.ROOT);
      return percent(value / limits.get(key.metric()), where);
    }
    double[] work = MULTIPLY_ADDS.get(key.workload().replaceFirst("^T2?-", ""));
    if (work != null && key.metric().equals("p50_us")) {
      double gflops = 2e-3 * work[0] * key.batch() / value;
      return percent(gflops / (peak * key.threads()), "FMA");
    }
    if (work != null && key.metric().equals("samples_per_s")) {
      double gflops = 2e-9 * (3 * work[0] - work[1]) * value;
      return percent(gflops / (peak * key.threads()), "FMA");
    }
    return "";
  }

  /** The metric of the bandwidth of a cache level, or of memory for a level beyond the third. */
  static String bandwidth(int level) {
    return level > 3 ? "dram_gbps" : "l" + level + "_gbps";
  }

  private static String percent(double share, String limit) {
    return String.format(Locale.ROOT, "%.0f %% of %s", 100 * share, limit);
  }
}
