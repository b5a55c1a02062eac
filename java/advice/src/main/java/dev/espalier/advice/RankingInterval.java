// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import java.util.Arrays;

/**
 * The area under the ROC curve, with its interval of 95 %: DeLong, DeLong and Clarke-Pearson 1988,
 * by ranks as Sun and Xu 2014 compute it.
 */
final class RankingInterval {
  private static final double QUANTILE = 1.959964;
  private static final double LEVEL = 0.95;

  private RankingInterval() {}

  /** Returns the area, cut to 0 to 1; NaN without a yes and a no, no interval with one alone. */
  static Interval of(double[] scores, boolean[] isYes) {
    double[] yes = scores(scores, isYes, true);
    double[] no = scores(scores, isYes, false);
    if (yes.length == 0 || no.length == 0) {
      return Interval.of(Double.NaN, Double.NaN, Double.NaN, LEVEL);
    }
    double[] yesParts = shares(yes, no);
    double[] noParts = shares(no, yes);
    double area = Arrays.stream(yesParts).average().orElseThrow();
    if (yes.length < 2 || no.length < 2) {
      return Interval.of(area, Double.NaN, Double.NaN, LEVEL);
    }
    double error = Math.sqrt(variance(yesParts) / yes.length + variance(noParts) / no.length);
    double low = Math.max(0, area - QUANTILE * error);
    double high = Math.min(1, area + QUANTILE * error);
    return Interval.of(area, low, high, LEVEL);
  }

  private static double[] scores(double[] scores, boolean[] isYes, boolean wanted) {
    double[] found = new double[scores.length];
    int count = 0;
    for (int i = 0; i < scores.length; i++) {
      if (isYes[i] == wanted) {
        found[count++] = scores[i];
      }
    }
    found = Arrays.copyOf(found, count);
    Arrays.sort(found);
    return found;
  }

  /** Of each of {@code these}, the share of {@code others} below it, equal ones counting half. */
  private static double[] shares(double[] these, double[] others) {
    double[] shares = new double[these.length];
    int below = 0;
    int notAbove = 0;
    for (int i = 0; i < these.length; i++) {
      while (below < others.length && others[below] < these[i]) {
        below++;
      }
      while (notAbove < others.length && others[notAbove] <= these[i]) {
        notAbove++;
      }
      shares[i] = (below + notAbove) / 2.0 / others.length;
    }
    return shares;
  }

  private static double variance(double[] values) {
    double mean = Arrays.stream(values).average().orElseThrow();
    double squares = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum();
    return squares / (values.length - 1);
  }
}
