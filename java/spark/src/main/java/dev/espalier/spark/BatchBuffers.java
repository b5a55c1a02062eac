// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Memory for a batch that native code reads and writes without a copy.
 *
 * @param rows how many examples fit in
 */
record BatchBuffers(int rows, FloatBuffer inputs, FloatBuffer outputs) {
  static BatchBuffers of(int rows, int inputSize, int outputSize) {
    return new BatchBuffers(rows, allocate(rows, inputSize), allocate(rows, outputSize));
  }

  /** Fails as an exception: Spark ends an executor at a task's {@link OutOfMemoryError}. */
  private static FloatBuffer allocate(int rows, int size) {
    int bytes = Math.multiplyExact(Math.multiplyExact(rows, size), Float.BYTES);
    try {
      return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder()).asFloatBuffer();
    } catch (OutOfMemoryError error) {
      throw new IllegalStateException(
          "no direct memory for "
              + rows
              + " rows of "
              + size
              + " values; see batchSize, and -XX:MaxDirectMemorySize",
          error);
    }
  }
}
