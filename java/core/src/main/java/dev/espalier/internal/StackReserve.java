// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

/**
 * Asks for stack before work of several steps, so that none of them ends for lack of it: what the
 * first ones did would be left half done, and {@code finally} blocks need stack, too. A single
 * native call needs no such thing: the virtual machine refuses it before it begins.
 */
public final class StackReserve {
  /**
   * What HotSpot guards at the end of each stack and promises to native code, 96 KiB, and as much
   * again for our own frames, interpreted ones and those that load classes.
   */
  private static final long NEEDED_BYTES = 192 << 10;

  private StackReserve() {}

  /**
   * Returns if the calling thread has stack enough.
   *
   * @throws StackOverflowError if not
   */
  public static void require() {
    NativeLibrary.load();
    long left = Bridge.stackBytesLeft();
    if (left < NEEDED_BYTES) {
      throw new StackOverflowError(
          "stack of this thread: expected " + NEEDED_BYTES + " bytes to be left, got " + left);
    }
  }
}
