// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The way to native functions that take no handle; {@link NativeHandle} is the way to those that
 * do. Loads the library first and translates errors.
 */
public final class NativeCall {
  private NativeCall() {}

  /** Returns what {@code call} returns. */
  public static <R> R get(Supplier<R> call) {
    NativeLibrary.load();
    try {
      return call.get();
    } catch (RuntimeException error) {
      throw NativeErrors.translate(error);
    }
  }

  /** Returns what {@code call} returns. */
  public static long getLong(LongSupplier call) {
    NativeLibrary.load();
    try {
      return call.getAsLong();
    } catch (RuntimeException error) {
      throw NativeErrors.translate(error);
    }
  }

  /** Runs {@code call}. */
  public static void run(Runnable call) {
    NativeLibrary.load();
    try {
      call.run();
    } catch (RuntimeException error) {
      throw NativeErrors.translate(error);
    }
  }

  /**
   * Returns {@code value}, checked: not null, valid UTF-16, and without the character NUL, at which
   * native text would end.
   *
   * @param what names the argument in the message
   */
  public static String text(String value, String what) {
    if (value == null) {
      throw new NullPointerException(what + " is null");
    }
    int nul = value.indexOf('\0');
    if (nul >= 0) {
      throw new IllegalArgumentException(
          what + ": expected text without the character NUL, got one at index " + nul);
    }
    return Arguments.utf16(what, value);
  }
}
