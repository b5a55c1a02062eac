// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

/**
 * What a comparison says.
 *
 * @since 0.1
 */
public enum Verdict {
  /** All of the interval of the difference is above 0. */
  HELPS("helps"),
  /** All of it is below 0. */
  HURTS("hurts"),
  /** 0 is in it, or nothing could be measured. */
  CANNOT_TELL("can't tell");

  private final String text;

  Verdict(String text) {
    this.text = text;
  }

  static Verdict of(Interval difference) {
    return difference.isAbove(0) ? HELPS : difference.isBelow(0) ? HURTS : CANNOT_TELL;
  }

  /** Returns for example {@code "can't tell"}. */
  @Override
  public String toString() {
    return text;
  }
}
