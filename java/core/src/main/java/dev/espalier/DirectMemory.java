// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Direct buffers of the Java heap's making, whose addresses native code borrows. */
final class DirectMemory {
  private DirectMemory() {}

  /** Returns room for {@code count} floats or 32-bit integers, zeroed. */
  static ByteBuffer allocate(long count, String what) {
    if (count > Integer.MAX_VALUE / Float.BYTES) {
      throw new NativeMemoryException(
          what + ": expected at most " + Integer.MAX_VALUE / Float.BYTES + " values, got " + count,
          null);
    }
    try {
      return ByteBuffer.allocateDirect((int) count * Float.BYTES).order(ByteOrder.nativeOrder());
    } catch (OutOfMemoryError error) {
      throw new NativeMemoryException(
          what + ": no direct memory for " + count + " values; see -XX:MaxDirectMemorySize", error);
    }
  }

  static long address(Buffer buffer) {
    return Bridge.bufferAddress(buffer);
  }
}
