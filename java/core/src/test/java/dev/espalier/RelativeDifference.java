// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;

/** The 2-norm of differences over that of what was expected, in double precision. */
final class RelativeDifference {
  private RelativeDifference() {}

  static double of(float[] expected, float[] got) {
    assertEquals(expected.length, got.length);
    double squares = 0;
    double differences = 0;
    for (int i = 0; i < expected.length; i++) {
      squares += (double) expected[i] * expected[i];
      differences += ((double) got[i] - expected[i]) * ((double) got[i] - expected[i]);
    }
    return Math.sqrt(differences / squares);
  }
}
