// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Intervals by the bootstrap of two levels: groups (folds) are drawn with replacement, then in each
 * drawn group as many of its examples (Davison and Hinkley, Bootstrap Methods and their
 * Application, 1997, section 3.8). Folds speak for other examples to train on and other seeds,
 * examples for other ones to judge by. A difference of two ways on the same draws is paired: what
 * is hard for both goes out of it. The ends are percentiles. The same bits for the same arguments.
 */
final class PairedBootstrap {
  /** Draws of each interval: its ends move by about a fiftieth of its width between seeds. */
  static final int DRAWS = 1000;

  private final int[] sizes;
  private final long seed;

  /**
   * One draw.
   *
   * @param groups the drawn groups
   * @param weights for each of them, how often each of its examples was drawn
   */
  record Draw(int[] groups, int[][] weights) {}

  /** Numbers of a draw; NaN where one is not defined. */
  @FunctionalInterface
  interface Statistics {
    double[] of(Draw draw);
  }

  /**
   * Prepares draws.
   *
   * @param sizes examples of each group, at least one group
   */
  PairedBootstrap(int[] sizes, long seed) {
    this.sizes = sizes.clone();
    this.seed = seed;
  }

  /** Returns what statistics are of the examples as they are, and their intervals. */
  Interval[] intervals(Statistics statistics, int count, double level) {
    double[] estimates = statistics.of(asItIs());
    double[][] drawn = new double[count][DRAWS];
    SplittableRandom random = new SplittableRandom(seed);
    for (int d = 0; d < DRAWS; d++) {
      double[] values = statistics.of(draw(random));
      for (int s = 0; s < count; s++) {
        drawn[s][d] = values[s];
      }
    }
    Interval[] intervals = new Interval[count];
    for (int s = 0; s < count; s++) {
      intervals[s] = percentiles(estimates[s], drawn[s], level);
    }
    return intervals;
  }

  private static Interval percentiles(double estimate, double[] drawn, double level) {
    double[] known = Arrays.stream(drawn).filter(value -> !Double.isNaN(value)).sorted().toArray();
    if (Double.isNaN(estimate) || known.length < DRAWS / 2) {
      return Interval.of(estimate, Double.NaN, Double.NaN, level);
    }
    double tail = (1 - level) / 2;
    return Interval.of(estimate, at(known, tail), at(known, 1 - tail), level);
  }

  /** Returns a quantile, interpolated between neighbors. */
  private static double at(double[] sorted, double share) {
    double place = share * (sorted.length - 1);
    int below = (int) place;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }

  private Draw asItIs() {
    int[][] weights = new int[sizes.length][];
    for (int g = 0; g < sizes.length; g++) {
      weights[g] = new int[sizes[g]];
      Arrays.fill(weights[g], 1);
    }
    return new Draw(IntStream.range(0, sizes.length).toArray(), weights);
  }

  private Draw draw(SplittableRandom random) {
    int[] groups = new int[sizes.length];
    int[][] weights = new int[sizes.length][];
    for (int g = 0; g < groups.length; g++) {
      groups[g] = random.nextInt(sizes.length);
      int size = sizes[groups[g]];
      weights[g] = new int[size];
      for (int i = 0; i < size; i++) {
        weights[g][random.nextInt(size)]++;
      }
    }
    return new Draw(groups, weights);
  }
}
