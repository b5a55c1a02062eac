// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.CheckReturnValue;
import java.util.Locale;

/**
 * How far a study has come, after one of its trainings. Immutable.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class StudyProgress {
  private final int done;
  private final int total;
  private final String what;
  private final boolean isReused;
  private final double seconds;

  StudyProgress(int done, int total, String what, boolean isReused, double seconds) {
    this.done = done;
    this.total = total;
    this.what = what;
    this.isReused = isReused;
    this.seconds = seconds;
  }

  /**
   * Returns how many trainings are done.
   *
   * @return 1 to {@link #total}
   */
  public int done() {
    return done;
  }

  /**
   * Returns how many there are in all, as far as is known.
   *
   * @return at least {@link #done}
   */
  public int total() {
    return total;
  }

  /**
   * Returns what was done.
   *
   * @return for example {@code "frozen, 100 examples, fold 2 of 5"}
   */
  public String what() {
    return what;
  }

  /**
   * Returns whether it was done by an earlier run, and found in the study's folder.
   *
   * @return false if it was done now
   */
  public boolean isReused() {
    return isReused;
  }

  /**
   * Returns how long the study has run.
   *
   * @return seconds since it began
   */
  public double seconds() {
    return seconds;
  }

  /** Returns for example {@code "7 of 45: frozen, 100 examples, fold 2 of 5, after 12.3 s"}. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%d of %d: %s%s, after %.1f s",
        done,
        total,
        what,
        isReused ? ", from the folder" : "",
        seconds);
  }
}
