// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.SplittableRandom;

/** Orders and random numbers that depend on seed and epoch alone. */
final class Shuffle {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private Shuffle() {}

  /** Returns the numbers 0 to {@code size - 1} in random order (Fisher and Yates). */
  static int[] permutation(int size, long seed, int epoch) {
    int[] order = identity(size);
    SplittableRandom random = new SplittableRandom(mix(seed, epoch, 0));
    for (int i = size - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return order;
  }

  /** Returns the numbers 0 to {@code size - 1} in order. */
  static int[] identity(int size) {
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      order[i] = i;
    }
    return order;
  }

  /** Returns a seed in which every bit of all three numbers counts. */
  static long mix(long seed, long epoch, long example) {
    return scramble(scramble(scramble(seed) + epoch) + example);
  }

  /** Stafford's variant 13 of the 64-bit finalizer of MurmurHash3. */
  private static long scramble(long value) {
    long z = value + GOLDEN_GAMMA;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
