// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PairedBootstrapTest {
  /** The mean over groups of the weighted mean of each. */
  private static PairedBootstrap.Statistics mean(double[][] values) {
    return draw -> {
      double sum = 0;
      for (int g = 0; g < draw.groups().length; g++) {
        double ofGroup = 0;
        int weight = 0;
        for (int i = 0; i < draw.weights()[g].length; i++) {
          ofGroup += draw.weights()[g][i] * values[draw.groups()[g]][i];
          weight += draw.weights()[g][i];
        }
        sum += ofGroup / weight;
      }
      return new double[] {sum / draw.groups().length};
    };
  }

  private static Interval interval(double[][] values, double level, long seed) {
    int[] sizes = IntStream.range(0, values.length).map(g -> values[g].length).toArray();
    return new PairedBootstrap(sizes, seed).intervals(mean(values), 1, level)[0];
  }

  @Test
  void aConstantHasAnIntervalOfNoWidth() {
    assertEquals(Interval.of(3, 3, 3, 0.95), interval(new double[][] {{3, 3, 3}, {3, 3}}, 0.95, 1));
  }

  @Test
  void theSameSeedGivesTheSameBits() {
    double[][] values = {{1, 5, 2, 8}, {0, 3, 3, 9}, {4, 4, 1, 7}};
    assertEquals(interval(values, 0.95, 7), interval(values, 0.95, 7));
    assertTrue(!interval(values, 0.95, 7).equals(interval(values, 0.95, 8)));
  }

  @Test
  void aHigherLevelIsWider() {
    double[][] values = {{1, 5, 2, 8}, {0, 3, 3, 9}, {4, 4, 1, 7}};
    Interval narrow = interval(values, 0.5, 7);
    Interval wide = interval(values, 0.99, 7);
    assertTrue(wide.low() < narrow.low() && narrow.high() < wide.high());
  }

  @Test
  void whatIsNeverDefinedHasNoInterval() {
    PairedBootstrap bootstrap = new PairedBootstrap(new int[] {2, 2}, 1);
    Interval interval = bootstrap.intervals(draw -> new double[] {Double.NaN}, 1, 0.95)[0];
    assertTrue(Double.isNaN(interval.estimate()) && Double.isNaN(interval.low()));
  }

  @Test
  void theExamplesAsTheyAreGiveTheEstimate() {
    double[][] weights = new double[1][];
    new PairedBootstrap(new int[] {3}, 1)
        .intervals(
            draw -> {
              if (weights[0] == null) {
                weights[0] = IntStream.of(draw.weights()[0]).asDoubleStream().toArray();
              }
              return new double[] {0};
            },
            1,
            0.95);
    assertArrayEquals(new double[] {1, 1, 1}, weights[0]);
  }

  /** Five folds of 40 differences about 0.1, which examples, folds or both move about. */
  @Test
  void intervalsHoldTheTruthAboutAsOftenAsTheySay() {
    for (double betweenFolds : new double[] {0, 0.05}) {
      int held = 0;
      int runs = 200;
      Random random = new Random(5);
      for (int run = 0; run < runs; run++) {
        double[][] values = new double[5][40];
        for (double[] fold : values) {
          double shift = 0.1 + betweenFolds * random.nextGaussian();
          for (int i = 0; i < fold.length; i++) {
            fold[i] = shift + 0.4 * random.nextGaussian();
          }
        }
        Interval interval = interval(values, 0.95, run);
        held += interval.low() <= 0.1 && 0.1 <= interval.high() ? 1 : 0;
      }
      double share = (double) held / runs;
      assertTrue(share > 0.92, "between folds " + betweenFolds + ": " + share);
    }
  }
}
