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
