// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.CheckReturnValue;

/**
 * How a {@link PictureDataset} reads its files. Immutable: each method returns changed options.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class PictureOptions {
  private static final PictureOptions DEFAULTS =
      new PictureOptions(
          0, Runtime.getRuntime().maxMemory() / 4, Runtime.getRuntime().availableProcessors());

  private final int skippedBroken;
  private final long budget;
  private final int threads;

  private PictureOptions(int skippedBroken, long budget, int threads) {
    this.skippedBroken = skippedBroken;
    this.budget = budget;
    this.threads = threads;
  }

  /**
   * Returns the defaults: no broken file is skipped, decoded pictures take at most a quarter of the
   * largest heap, as many threads decode as there are processors.
   *
   * @return the options
   */
  public static PictureOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Leaves broken files out, {@link PictureDataset#broken} names them; more of them are an error.
   *
   * @param most how many may be left out, at least 0
   * @return changed options
   * @throws IllegalArgumentException if the number is negative
   */
  public PictureOptions skipBroken(int most) {
    return new PictureOptions((int) atLeast("skipBroken", 0, most), budget, threads);
  }

  /**
   * Limits the heap that decoded pictures take, two bytes for each value of an input. What does not
   * fit is decoded anew each time.
   *
   * @param bytes at least 0
   * @return changed options
   * @throws IllegalArgumentException if the number is negative
   */
  public PictureOptions cacheBudget(long bytes) {
    return new PictureOptions(skippedBroken, atLeast("cacheBudget", 0, bytes), threads);
  }

  /**
   * Sets how many threads decode. The bits are the same with any number.
   *
   * @param count at least 1
   * @return changed options
   * @throws IllegalArgumentException if the number is below 1
   */
  public PictureOptions threads(int count) {
    return new PictureOptions(skippedBroken, budget, (int) atLeast("threads", 1, count));
  }

  private static long atLeast(String what, long least, long value) {
    if (value < least) {
      throw new IllegalArgumentException(what + ": expected at least " + least + ", got " + value);
    }
    return value;
  }

  int skippedBroken() {
    return skippedBroken;
  }

  long budget() {
    return budget;
  }

  int threads() {
    return threads;
  }

  /** Returns the settings. */
  @Override
  public String toString() {
    return "PictureOptions[skipBroken "
        + skippedBroken
        + ", cacheBudget "
        + budget
        + ", threads "
        + threads
        + "]";
  }
}
