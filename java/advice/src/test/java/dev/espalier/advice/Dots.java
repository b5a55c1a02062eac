// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.AdamW;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Shape;
import dev.espalier.Trainer;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A small task for tests: pictures of 8 × 8 with one bright dot and some noise. Its quarter is a
 * class; "low" and "right" are labels, some of them blank; row and column are values.
 */
final class Dots {
  static final Shape PICTURE = Shape.image(1, 8, 8);

  private final float[] pictures;
  private final int[] quarters;
  private final float[][] sides;
  private final float[][] places;

  Dots(int count, long seed) {
    pictures = new float[count * 64];
    quarters = new int[count];
    sides = new float[count][];
    places = new float[count][];
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < count; i++) {
      for (int p = 0; p < 64; p++) {
        pictures[i * 64 + p] = (float) (0.4 * random.nextDouble());
      }
      int row = random.nextInt(8);
      int column = random.nextInt(8);
      pictures[i * 64 + row * 8 + column] = 1;
      quarters[i] = row / 4 * 2 + column / 4;
      sides[i] =
          new float[] {
            random.nextInt(4) == 0 ? Float.NaN : row / 4,
            random.nextInt(4) == 0 ? Float.NaN : column / 4
          };
      places[i] = new float[] {row, column};
    }
  }

  private Dataset pictures() {
    return Datasets.of(pictures, PICTURE);
  }

  Dataset quarters() {
    return Datasets.withClasses(pictures(), "quarter", quarters);
  }

  Dataset sides() {
    return Datasets.withTargets(pictures(), "side", List.of("low", "right"), sides);
  }

  Dataset places() {
    return Datasets.withTargets(pictures(), "place", List.of("row", "column"), places);
  }

  static NetworkBuilder form() {
    return Network.builder(PICTURE).conv2d("conv", 6, 3).relu().maxPool2d(2).dense("features", 16);
  }

  /** A network that knows quarters. */
  static Network trained() {
    Network network = form().relu().head("quarter", Head.classes(4)).build(1);
    Trainer.of(network)
        .optimizer(AdamW.withLearningRate(5e-3))
        .epochs(12)
        .fit(new Dots(800, 11).quarters());
    return network;
  }
}
