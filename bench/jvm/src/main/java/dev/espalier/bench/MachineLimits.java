// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a result is of what the machine can do at most, measured in the same run. */
final class MachineLimits {
  /** Multiply-adds of one prediction. */
  private static final Map<String, Double> MULTIPLY_ADDS =
      Map.of(
          "I1", 234_752.0,
          "I2", 29_952.0,
          "I3", 4.24e6,
          "I4", 153.8e6,
          "I5r", 1.81e9,
          "I5m", 0.30e9);

  private final Map<String, Double> limits = new HashMap<>();

  MachineLimits(List<ResultsFile.Row> rows) {
    for (ResultsFile.Row row : rows) {
      if (row.key().workload().equals("machine")) {
        limits.put(row.key().metric(), row.value());
      }
    }
  }

  /**
   * The share of the limit that binds: of reading weights from L2 for the product of a vector and a
   * matrix that fits there, of multiply-adds for everything else; "" where there is none. Above 100
   * % only by an algorithm with fewer multiply-adds (Winograd).
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
    Double work = MULTIPLY_ADDS.get(key.workload());
    if (work != null && key.metric().equals("p50_us")) {
      double gflops = 2e-3 * work * key.batch() / value;
      return percent(gflops / (peak * key.threads()), "FMA");
    }
    return "";
  }

  private static String percent(double share, String limit) {
    return String.format(Locale.ROOT, "%.0f %% of %s", 100 * share, limit);
  }
}
