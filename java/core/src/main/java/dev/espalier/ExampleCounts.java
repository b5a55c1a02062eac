// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/** How many examples there are in what is given to predict from. */
final class ExampleCounts {
  private ExampleCounts() {}

  /**
   * Returns how many inputs lie one after the other, at least one.
   *
   * @throws ShapeException if the length is no multiple of an input's
   */
  static int of(int length, int inputSize, Shape inputShape) {
    if (length == inputSize) {
      return 1; // a division takes about a tenth of a small call
    }
    if (length == 0 || length % inputSize != 0) {
      throw new ShapeException(
          "inputs: expected a multiple of "
              + inputSize
              + " values for "
              + inputShape
              + ", got "
              + length);
    }
    return length / inputSize;
  }

  /**
   * Checks that it is one.
   *
   * @throws ShapeException if the length is not that of an input
   */
  static void requireOne(int length, int inputSize, Shape inputShape) {
    if (length != inputSize) {
      throw new ShapeException(
          "input: expected " + inputSize + " values for " + inputShape + ", got " + length);
    }
  }
}
