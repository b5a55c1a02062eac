// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RankingIntervalTest {
  /** By NumPy, from all pairs. */
  @Test
  void isDeLongs() {
    double[] yes = {3.0, -1.6, 1.4, 0.4, 0.5, 0.8, -1.0};
    double[] no = {-0.2, -0.9, 3.3, 0.2, -0.4, -0.3, -0.7, -1.1, -0.4};
    Interval interval = of(yes, no);
    assertEquals(0.6507936507936508, interval.estimate(), 1e-12);
    assertEquals(0.3077538054214963, interval.low(), 1e-9);
    assertEquals(0.9938334961658053, interval.high(), 1e-9);
  }

  @Test
  void equalScoresCountHalf() {
    assertEquals(0.6875, of(new double[] {1, 2}, new double[] {1, 1, 2, 0}).estimate(), 1e-12);
  }

  @Test
  void hasNoIntervalWhereNothingVaries() {
    assertTrue(Double.isNaN(of(new double[0], new double[3]).estimate()));
    Interval one = of(new double[] {1}, new double[3]);
    assertEquals(1, one.estimate());
    assertTrue(Double.isNaN(one.low()));
    assertEquals(1, of(new double[] {1, 2}, new double[3]).high());
  }

  /** Of 400 samples whose area is Φ(1/√2) = 0.7602, about 95 % have it in their interval. */
  @Test
  void holdsTheTruthAsOftenAsItSays() {
    SplittableRandom random = new SplittableRandom(1);
    int held = 0;
    for (int sample = 0; sample < 400; sample++) {
      Interval interval =
          of(
              random.doubles(40).map(u -> 1 + random.nextGaussian()).toArray(),
              random.doubles(60).map(u -> random.nextGaussian()).toArray());
      held += interval.low() <= 0.7602 && 0.7602 <= interval.high() ? 1 : 0;
    }
    assertEquals(0.95, held / 400.0, 0.03);
  }

  private static Interval of(double[] yes, double[] no) {
    double[] scores = new double[yes.length + no.length];
    boolean[] isYes = new boolean[scores.length];
    for (int i = 0; i < scores.length; i++) {
      isYes[i] = i < yes.length;
      scores[i] = isYes[i] ? yes[i] : no[i - yes.length];
    }
    return RankingInterval.of(scores, isYes);
  }
}
