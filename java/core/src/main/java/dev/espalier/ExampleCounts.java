// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.nio.FloatBuffer;

/** How many examples there are in what is given to predict from, and values in their outputs. */
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

  /**
   * Returns how many values the outputs of a batch have.
   *
   * @throws ShapeException if no array holds as many
   */
  static int outputLength(int batch, int outputSize) {
    long length = (long) batch * outputSize;
    if (length > Integer.MAX_VALUE - 8) {
      throw new ShapeException(
          "inputs: expected a batch whose outputs fit an array, got " + batch + " examples");
    }
    return (int) length;
  }

  /**
   * Checks the length of an array for the outputs of a batch.
   *
   * @throws ShapeException if it is not exactly theirs
   */
  static void requireOutputs(int batch, int outputSize, int length) {
    if (length != (long) batch * outputSize) {
      throw new ShapeException(
          "outputs: expected " + batch + " x " + outputSize + " values, got " + length);
    }
  }

  /**
   * Checks a buffer for the outputs of a batch, and returns its position.
   *
   * @throws IllegalArgumentException if native code can't write to it
   * @throws ShapeException if it has no room for them
   * @throws IllegalStateException if its memory is freed
   */
  static int outputPosition(int batch, int outputSize, FloatBuffer outputs) {
    Arguments.directNative("outputs", outputs);
    if (outputs.isReadOnly()) {
      throw new IllegalArgumentException("outputs: expected a buffer that can be written");
    }
    // Each is read once: another thread may move them meanwhile.
    int position = outputs.position();
    int length = outputs.limit() - position;
    if (length < (long) batch * outputSize) {
      throw new ShapeException(
          "outputs: expected room for " + batch + " x " + outputSize + " values, got " + length);
    }
    outputs.get(position); // fails if an arena has freed the memory; native code would crash
    return position;
  }
}
