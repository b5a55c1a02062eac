// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** What got worse from one run to another. */
final class Regressions {
  private static final Pattern LEFT_OUT = Pattern.compile("p99|gc_|alloc_mb_per_s");

  private Regressions() {}

  /** Whether larger values of a metric are better. */
  static boolean isHigherBetter(String metric) {
    return metric.contains("gflops")
        || metric.endsWith("_gbps")
        || (metric.endsWith("_per_s") && !metric.startsWith("alloc_"));
  }

  /**
   * Lists the cells of this library that both runs have and that got worse by more than a share of
   * the old value. Tails (p99, p99.9), pauses for garbage and other libraries tell of the machine
   * rather than of a change, and are left out; so is the rate of allocation, since faster is more.
   *
   * @param threshold 0.1 for 10 %
   */
  static List<String> find(
      List<ResultsFile.Row> before, List<ResultsFile.Row> after, double threshold) {
    Map<ResultsFile.Key, Double> old = new HashMap<>();
    before.forEach(row -> old.put(row.key(), row.value()));
    List<String> found = new ArrayList<>();
    for (ResultsFile.Row row : after) {
      ResultsFile.Key key = row.key();
      Double was = old.get(key);
      boolean isOurs = key.contender().startsWith("espalier");
      if (was == null || !isOurs || LEFT_OUT.matcher(key.metric()).lookingAt()) {
        continue;
      }
      double worse = isHigherBetter(key.metric()) ? was / row.value() : row.value() / was;
      if (worse > 1 + threshold || (was == 0 && row.value() > 0)) {
        found.add(String.format(Locale.ROOT, "%s: %.6g, was %.6g", key, row.value(), was));
      }
    }
    return found;
  }
}
