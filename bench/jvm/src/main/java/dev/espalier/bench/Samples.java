// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.util.Arrays;

/** Times in nanoseconds, and what is told of them. */
public final class Samples {
  private Samples() {}

  /** The value that the share {@code quantile} of the first {@code count} does not exceed. */
  static long quantile(long[] sorted, int count, double quantile) {
    int rank = (int) Math.ceil(quantile * count);
    return sorted[Math.min(count - 1, Math.max(0, rank - 1))];
  }

  /** The middle value, or the mean of the two in the middle; NaN of nothing. */
  public static double median(double... values) {
    double[] sorted =
        Arrays.stream(values).filter(value -> !Double.isNaN(value)).sorted().toArray();
    if (sorted.length == 0) {
      return Double.NaN;
    }
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
