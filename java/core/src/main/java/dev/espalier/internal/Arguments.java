// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;

/** Checks of arguments that cost nothing; each returns what it checked. */
public final class Arguments {
  private Arguments() {}

  /**
   * Checks a whole number.
   *
   * @param name name of the argument
   * @param value its value
   * @param least smallest legal value
   * @param most largest legal value
   * @return {@code value}
   */
  public static int inRange(String name, int value, int least, int most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          name + ": expected " + least + " to " + most + ", got " + value);
    }
    return value;
  }

  /**
   * Checks a real number; NaN is out of every range.
   *
   * @param name name of the argument
   * @param value its value
   * @param least smallest legal value
   * @param most largest legal value
   * @return {@code value}
   */
  public static double inRange(String name, double value, double least, double most) {
    if (!(value >= least && value <= most)) {
      throw new IllegalArgumentException(
          name + ": expected " + least + " to " + most + ", got " + value);
    }
    return value;
  }

  /**
   * Checks that a whole number is at least 1.
   *
   * @param name name of the argument
   * @param value its value
   * @return {@code value}
   */
  public static int positive(String name, int value) {
    return inRange(name, value, 1, Integer.MAX_VALUE);
  }

  /**
   * Checks that a whole number is at least 1.
   *
   * @param name name of the argument
   * @param value its value
   * @return {@code value}
   */
  public static long positive(String name, long value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + ": expected at least 1, got " + value);
    }
    return value;
  }

  /**
   * Checks that a time is above zero.
   *
   * @param name name of the argument
   * @param value its value
   * @return {@code value}
   */
  public static Duration positive(String name, Duration value) {
    if (Objects.requireNonNull(value, name).isZero() || value.isNegative()) {
      throw new IllegalArgumentException(name + ": expected above zero, got " + value);
    }
    return value;
  }

  /**
   * Checks that a real number is finite and above 0.
   *
   * @param name name of the argument
   * @param value its value
   * @return {@code value}
   */
  public static double positive(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(name + ": expected a finite number above 0, got " + value);
    }
    return value;
  }

  /**
   * Checks that a real number is finite and not below 0.
   *
   * @param name name of the argument
   * @param value its value
   * @return {@code value}
   */
  public static double notNegative(String name, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          name + ": expected a finite number, at least 0, got " + value);
    }
    return value;
  }

  /**
   * Checks that a real number is at least 0 and below 1.
   *
   * @param name name of the argument
   * @param value its value
   * @return {@code value}
   */
  public static double fraction(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException(name + ": expected at least 0 and below 1, got " + value);
    }
    return value;
  }

  /**
   * Checks that a real number is above 0 and at most 1.
   *
   * @param name name of the argument
   * @param value its value
   * @return {@code value}
   */
  public static double factor(String name, double value) {
    if (!(value > 0 && value <= 1)) {
      throw new IllegalArgumentException(name + ": expected above 0 and at most 1, got " + value);
    }
    return value;
  }

  /**
   * Checks that a real number is finite.
   *
   * @param name name of the argument
   * @param value its value
   * @return {@code value}
   */
  public static double finite(String name, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(name + ": expected a finite number, got " + value);
    }
    return value;
  }

  /**
   * Checks an index.
   *
   * @param name name of the argument
   * @param index its value
   * @param size one above the largest legal value
   * @return {@code index}
   */
  public static int index(String name, int index, int size) {
    if (index < 0 || index >= size) {
      throw new IndexOutOfBoundsException(
          name + ": expected 0 to " + (size - 1) + ", got " + index);
    }
    return index;
  }

  /**
   * Checks that a buffer is direct.
   *
   * @param name name of the argument
   * @param buffer the buffer
   * @return {@code buffer}
   */
  public static ByteBuffer direct(String name, ByteBuffer buffer) {
    Objects.requireNonNull(buffer, name);
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException(name + ": expected a direct buffer, got a heap buffer");
    }
    return buffer;
  }

  /**
   * Checks that a buffer is direct and in native byte order.
   *
   * @param name name of the argument
   * @param buffer the buffer
   * @return {@code buffer}
   */
  public static FloatBuffer directNative(String name, FloatBuffer buffer) {
    Objects.requireNonNull(buffer, name);
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException(name + ": expected a direct buffer, got a heap buffer");
    }
    if (buffer.order() != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          name + ": expected byte order " + ByteOrder.nativeOrder() + ", got " + buffer.order());
    }
    return buffer;
  }

  /**
   * Checks that a text is valid UTF-16, so that it has a UTF-8 form.
   *
   * @param what name of the argument
   * @param text its value
   * @return {@code text}
   */
  public static String utf16(String what, String text) {
    int codePoint;
    for (int i = 0; i < text.length(); i += Character.charCount(codePoint)) {
      codePoint = text.codePointAt(i);
      if (codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE) {
        throw new IllegalArgumentException(
            String.format(
                "%s: expected valid UTF-16, got the lone surrogate U+%04X at index %d",
                what, codePoint, i));
      }
    }
    return text;
  }

  /**
   * Checks an array of names: at least one, valid UTF-16, none null or empty, none twice.
   *
   * @param what name of the argument
   * @param names the names
   * @return {@code names}
   */
  public static String[] names(String what, String... names) {
    Objects.requireNonNull(names, what);
    if (names.length == 0) {
      throw new IllegalArgumentException(what + ": expected at least one name, got none");
    }
    Set<String> seen = new HashSet<>();
    for (String name : names) {
      utf16(what, Objects.requireNonNull(name, what));
      if (name.isEmpty() || !seen.add(name)) {
        throw new IllegalArgumentException(
            what
                + ": expected names that differ and are not empty, got \""
                + name
                + "\""
                + (name.isEmpty() ? "" : " twice"));
      }
    }
    return names;
  }
}
