// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A small task for tests: pictures of 8 x 8 with one bright dot and some noise. Its quarter is a
 * class, "low" and "right" are labels.
 */
final class Dots {
  static final Shape PICTURE = Shape.image(1, 8, 8);

  final float[] pictures;
  final int[] quarters;
  final float[][] sides;

  Dots(int count, long seed) {
    pictures = new float[count * 64];
    quarters = new int[count];
    sides = new float[count][];
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < count; i++) {
      for (int p = 0; p < 64; p++) {
        pictures[i * 64 + p] = (float) (0.1 * random.nextDouble());
      }
      int row = random.nextInt(8);
      int column = random.nextInt(8);
      pictures[i * 64 + row * 8 + column] = 1;
      quarters[i] = row / 4 * 2 + column / 4;
      sides[i] = new float[] {row / 4, column / 4};
    }
  }

  /** For a network with one head of four classes. */
  Dataset classes() {
    return Datasets.ofClasses(pictures, PICTURE, quarters);
  }

  /** For a network with one head of two labels. */
  Dataset labels() {
    return Datasets.of(pictures, PICTURE, sides);
  }

  /** For a network with a head "quarter" and a head "side". */
  Dataset both() {
    return Datasets.withTargets(Datasets.forTask(classes(), "quarter"), "side", sides);
  }

  static NetworkBuilder backbone() {
    return Network.builder(PICTURE)
        .conv2d("conv1", 4, 3)
        .relu()
        .maxPool2d(2)
        .dense("features", 16)
        .relu("active");
  }

  static Network classifier(long seed) {
    return backbone().head("quarter", Head.classes(4)).build(seed);
  }

  static Network labeller(long seed) {
    return backbone().head("side", Head.labels("low", "right")).build(seed);
  }

  /** With batch norm and dropout in the backbone, and both heads. */
  static Network rich(long seed) {
    return Network.builder(PICTURE)
        .normalize(0.1, 0.5)
        .conv2d("conv1", 4, 3, LayerOptions.defaults().noBias())
        .batchNorm("norm1")
        .relu()
        .maxPool2d(2)
        .dropout("drop1", 0.2)
        .dense("features", 16)
        .relu("active")
        .head("quarter", Head.layers(h -> h.dense(8).relu()).classes(4))
        .head("side", Head.labels("low", "right"))
        .build(seed);
  }

  static Map<String, float[]> parameters(Network network) {
    Map<String, float[]> values = new LinkedHashMap<>();
    network
        .parameters()
        .forEach(parameter -> values.put(parameter.path(), network.parameter(parameter.path())));
    return values;
  }

  static void assertSameBits(Map<String, float[]> expected, Map<String, float[]> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach(
        (path, values) -> assertArrayEquals(bits(values), bits(actual.get(path)), path));
  }

  static void assertSameBits(Network expected, Network actual) {
    assertSameBits(parameters(expected), parameters(actual));
  }

  static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}
