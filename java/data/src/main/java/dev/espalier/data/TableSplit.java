// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

/**
 * Two parts of a table that have no row in common.
 *
 * @since 0.1
 */
public final class TableSplit {
  private final Table first;
  private final Table second;

  TableSplit(Table first, Table second) {
    this.first = first;
    this.second = second;
  }

  /**
   * Returns the part whose fraction was given; of folds, the one to train on.
   *
   * @return the first part
   */
  public Table first() {
    return first;
  }

  /**
   * Returns the rest.
   *
   * @return the second part
   */
  public Table second() {
    return second;
  }

  /** Returns for example {@code "800 and 200 rows"}. */
  @Override
  public String toString() {
    return first.size() + " and " + second.size() + " rows";
  }
}
