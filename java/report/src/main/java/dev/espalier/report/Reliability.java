// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How often comes true what has which probability: the bins of {@link
 * dev.espalier.Metric#EXPECTED_CALIBRATION_ERROR}.
 */
final class Reliability {
  private static final int BINS = 15;

  private final int[] counts = new int[BINS];
  private final double[] probabilities = new double[BINS];
  private final int[] right = new int[BINS];

  void add(float probability, boolean isRight) {
    if (Float.isNaN(probability)) {
      return;
    }
    int bin = Math.max(0, Math.min(BINS - 1, (int) Math.ceil(probability * (double) BINS) - 1));
    counts[bin]++;
    probabilities[bin] += probability;
    right[bin] += isRight ? 1 : 0;
  }

  /** Returns the mean over bins, weighed by their entries; NaN without any. */
  double expectedError() {
    double sum = 0;
    int count = 0;
    for (int bin = 0; bin < BINS; bin++) {
      sum += Math.abs(probabilities[bin] - right[bin]);
      count += counts[bin];
    }
    return count == 0 ? Double.NaN : sum / count;
  }

  /** Returns the bins that have entries: how many, mean probability, share that came true. */
  List<Map<String, Object>> data() {
    List<Map<String, Object>> bins = new ArrayList<>();
    for (int bin = 0; bin < BINS; bin++) {
      if (counts[bin] > 0) {
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("count", counts[bin]);
        data.put("probability", probabilities[bin] / counts[bin]);
        data.put("share", (double) right[bin] / counts[bin]);
        bins.add(data);
      }
    }
    return bins;
  }
}
