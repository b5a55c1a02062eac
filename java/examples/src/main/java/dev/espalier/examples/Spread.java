// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Mean and standard deviation (of the sample) over seeds. */
record Spread(double mean, double standardDeviation) {
  static Spread of(List<Double> values) {
    double mean = values.stream().mapToDouble(v -> v).average().orElse(Double.NaN);
    double squares = values.stream().mapToDouble(v -> (v - mean) * (v - mean)).sum();
    return new Spread(mean, values.size() < 2 ? 0 : Math.sqrt(squares / (values.size() - 1)));
  }

  List<Double> toList() {
    return Arrays.asList(mean, standardDeviation);
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%.3f ± %.3f", mean, standardDeviation);
  }
}
