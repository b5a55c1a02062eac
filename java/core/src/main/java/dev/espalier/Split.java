// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Objects;

/**
 * Two parts of a data set that have no example in common.
 *
 * @param first the part whose fraction was given
 * @param second the rest
 */
public record Split(Dataset first, Dataset second) {
  /**
   * Checks for nulls.
   *
   * @param first as for the record
   * @param second as for the record
   * @throws NullPointerException if a part is null
   */
  public Split {
    Objects.requireNonNull(first, "first");
    Objects.requireNonNull(second, "second");
  }
}
