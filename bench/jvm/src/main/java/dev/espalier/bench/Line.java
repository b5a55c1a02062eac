// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.util.Locale;

/** A line of progress: a workload, the first contender's figure and how the others compare. */
final class Line {
  private final StringBuilder text = new StringBuilder();
  private final boolean isHigherBetter;
  private double first = Double.NaN;

  Line(String workload, int batch, int threads, String unit, boolean isHigherBetter) {
    this.isHigherBetter = isHigherBetter;
    text.append(
        String.format(
            Locale.ROOT, "%-6s batch %3d, threads %d, %s:", workload, batch, threads, unit));
  }

  /** Adds a contender; the ratio says how many times as fast the first one is. */
  void add(String contender, double value) {
    text.append(String.format(Locale.ROOT, "  %s %.4g", contender, value));
    if (Double.isNaN(first)) {
      first = value;
    } else {
      double ratio = isHigherBetter ? first / value : value / first;
      text.append(String.format(Locale.ROOT, " (%.2fx)", ratio));
    }
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
