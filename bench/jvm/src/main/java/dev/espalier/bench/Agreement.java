// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;

/** Whether contenders compute the same. */
final class Agreement {
  private Agreement() {}

  /**
   * Compares a contender's numbers with the reference.
   *
   * @param tolerance share of the largest reference value
   * @throws IOException naming what differs, if anything does
   */
  static void require(String what, float[] reference, float[] actual, double tolerance)
      throws IOException {
    if (reference.length != actual.length) {
      throw new IOException(
          what + ": expected " + reference.length + " values, got " + actual.length);
    }
    float largest = 0;
    for (float value : reference) {
      if (!Float.isFinite(value)) {
        throw new IOException(what + ": the reference is not finite");
      }
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < reference.length; i++) {
      if (!(Math.abs(reference[i] - actual[i]) <= tolerance * largest)) {
        throw new IOException(
            String.format(
                "%s: value %d is %g, expected %g; nothing is timed of what computes another thing",
                what, i, actual[i], reference[i]));
      }
    }
  }

  /**
   * What rounding and other algorithms may change of losses in training on the same examples. Seen
   * are 2e-7, and 6e-5 of Deeplearning4j, whose Adam adds its epsilon elsewhere; on I4, whose loss
   * doubles with the first update so that differences grow, 1.5e-3. Adam's first updates go by the
   * sign of gradients, however small: of whole backbones 3e-4 are seen, and 2.2e-4 on X, whose head
   * starts at zero. A rate 2 % off is seen.
   */
  static double lossTolerance(String network) {
    if (network.startsWith("T-")) {
      return 2e-3;
    }
    return switch (network) {
      case "I4" -> 5e-3;
      case "X", "X-minilm" -> 1e-3;
      default -> 2e-4;
    };
  }

  /**
   * What rounding and other algorithms may change, of fp32, of weights in bfloat16 or of products
   * in int8; of a published INT8 model of others twice what is allowed here.
   */
  static double tolerance(String contender) {
    if (contender.equals("ort-int8")) {
      return 0.3;
    }
    if (contender.endsWith("-int8")) {
      return 0.15;
    }
    return contender.endsWith("-bf16") ? 0.03 : 1e-3;
  }
}
