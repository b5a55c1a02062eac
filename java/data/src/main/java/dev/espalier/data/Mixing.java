// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.util.random.RandomGenerator;

/**
 * How examples are mixed with others.
 *
 * @param mixup of the Beta distribution of shares; 0: none
 * @param cutMix the same
 * @param share of the examples that are mixed
 */
record Mixing(double mixup, double cutMix, double share) {
  Mixing withMixup(double alpha) {
    return new Mixing(alpha, cutMix, share);
  }

  Mixing withCutMix(double alpha) {
    return new Mixing(mixup, alpha, share);
  }

  Mixing withShare(double share) {
    return new Mixing(mixup, cutMix, share);
  }

  /**
   * What an example is mixed with.
   *
   * @param partner the other example
   * @param own the example's share, 1 where nothing is mixed
   * @param box what of the picture is the partner's: left, top, right, bottom; empty for all of it,
   *     translucent
   * @param choice a number from 0 to 1, which decides between classes
   */
  record Mixture(int partner, double own, int[] box, double choice) {
    boolean isMixed() {
      return own < 1;
    }

    /** Returns a label or value of the mixture, NaN where it is not known. */
    float mix(float ownTarget, float other) {
      if (own == 0 || !isMixed()) {
        return isMixed() ? other : ownTarget;
      }
      return (float) (own * ownTarget + (1 - own) * other);
    }

    /** Returns the class of the mixture, -1 where it is not known. */
    float choose(float ownClass, float other) {
      if (own == 0 || !isMixed()) {
        return isMixed() ? other : ownClass;
      }
      return ownClass < 0 || other < 0 ? -1 : choice < own ? ownClass : other;
    }
  }

  /** Draws what an example is mixed with. */
  Mixture draw(int example, int examples, int height, int width, RandomGenerator random) {
    if ((mixup == 0 && cutMix == 0) || random.nextDouble() >= share) {
      return new Mixture(example, 1, new int[0], 0);
    }
    boolean cuts = mixup == 0 || cutMix > 0 && random.nextBoolean();
    int partner = random.nextInt(examples);
    double own = partner == example ? 1 : beta(cuts ? cutMix : mixup, random);
    double choice = random.nextDouble();
    if (!cuts) {
      return new Mixture(partner, own, new int[0], choice);
    }
    double side = StrictMath.sqrt(1 - own) / 2;
    int[] across = span(width, side, random);
    int[] down = span(height, side, random);
    double covered =
        (double) (across[1] - across[0]) * (down[1] - down[0]) / ((double) height * width);
    int[] box = {across[0], down[0], across[1], down[1]};
    return new Mixture(partner, 1 - covered, box, choice);
  }

  /** Returns the first pixel and that after the last one of what lies around a place by chance. */
  private static int[] span(int size, double halfShare, RandomGenerator random) {
    double middle = size * random.nextDouble();
    return new int[] {
      (int) Math.max(0, Math.round(middle - size * halfShare)),
      (int) Math.min(size, Math.round(middle + size * halfShare))
    };
  }

  /** Draws from Beta(alpha, alpha), by Jöhnk's method. */
  private static double beta(double alpha, RandomGenerator random) {
    while (true) {
      double u = random.nextDouble();
      double v = random.nextDouble();
      double x = StrictMath.pow(u, 1 / alpha);
      double y = StrictMath.pow(v, 1 / alpha);
      if (x + y > 0 && x + y <= 1) {
        return x / (x + y);
      } else if (x + y == 0 && u + v > 0) { // too small an alpha for powers, not for their ratio
        return 1 / (1 + StrictMath.exp((StrictMath.log(v) - StrictMath.log(u)) / alpha));
      }
    }
  }
}
