// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.CheckReturnValue;
import java.util.List;
import java.util.Locale;

/**
 * A number that was measured, and between which it may lie. Immutable; equal to another one of the
 * same numbers.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Interval {
  private final double estimate;
  private final double low;
  private final double high;
  private final double level;

  private Interval(double estimate, double low, double high, double level) {
    this.estimate = estimate;
    this.low = low;
    this.high = high;
    this.level = level;
  }

  /**
   * Makes an interval.
   *
   * @param estimate what was measured; NaN if nothing could be
   * @param low its lower end
   * @param high its upper end, not below {@code low}; both NaN if there is no interval
   * @param level the share of such intervals that are to hold the true number, between 0 and 1
   * @return the interval
   * @throws IllegalArgumentException if an end is on the wrong side, or the level is out of range
   */
  public static Interval of(double estimate, double low, double high, double level) {
    if (low > high || Double.isNaN(low) != Double.isNaN(high)) {
      throw new IllegalArgumentException(
          "interval: expected low <= high, or both NaN, got " + low + " and " + high);
    }
    if (!(level > 0 && level < 1)) {
      throw new IllegalArgumentException("level: expected a number between 0 and 1, got " + level);
    }
    return new Interval(estimate, low, high, level);
  }

  /**
   * Returns what was measured.
   *
   * @return NaN if nothing could be
   */
  public double estimate() {
    return estimate;
  }

  /**
   * Returns the lower end.
   *
   * @return NaN if there is none
   */
  public double low() {
    return low;
  }

  /**
   * Returns the upper end.
   *
   * @return NaN if there is none
   */
  public double high() {
    return high;
  }

  /**
   * Returns how sure it is.
   *
   * @return the share of such intervals that are to hold the true number
   */
  public double level() {
    return level;
  }

  /**
   * Returns whether all of it is above a number.
   *
   * @param number for example 0
   * @return false where there is no interval
   */
  public boolean isAbove(double number) {
    return low > number;
  }

  /**
   * Returns whether all of it is below a number.
   *
   * @param number for example 0
   * @return false where there is no interval
   */
  public boolean isBelow(double number) {
    return high < number;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Interval interval && values().equals(interval.values());
  }

  @Override
  public int hashCode() {
    return values().hashCode();
  }

  private List<Double> values() {
    return List.of(estimate, low, high, level);
  }

  /** Returns for example {@code "0.031 (0.012 to 0.050)"}; "-" if nothing was measured. */
  @Override
  public String toString() {
    if (Double.isNaN(estimate)) {
      return "-";
    }
    return Double.isNaN(low)
        ? String.format(Locale.ROOT, "%.3f", estimate)
        : String.format(Locale.ROOT, "%.3f (%.3f to %.3f)", estimate, low, high);
  }
}
