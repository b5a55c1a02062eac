// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Objects;

/**
 * Two parts of a data set that have no example in common.
 *
 * @since 0.1
 */
public final class Split {
  private final Dataset first;
  private final Dataset second;

  Split(Dataset first, Dataset second) {
    this.first = Objects.requireNonNull(first, "first");
    this.second = Objects.requireNonNull(second, "second");
  }

  /**
   * Makes a split of parts of one's own, of data from several places say.
   *
   * @param first what to train on
   * @param second what to judge by; that it has no example of the first is the caller's word
   * @return the split
   */
  public static Split of(Dataset first, Dataset second) {
    return new Split(first, second);
  }

  /**
   * Returns the part whose fraction was given; of folds, the one to train on.
   *
   * @return the first part
   */
  public Dataset first() {
    return first;
  }

  /**
   * Returns the rest.
   *
   * @return the second part
   */
  public Dataset second() {
    return second;
  }

  /** Returns for example {@code "800 and 200 examples"}. */
  @Override
  public String toString() {
    return first.size() + " and " + second.size() + " examples";
  }
}
