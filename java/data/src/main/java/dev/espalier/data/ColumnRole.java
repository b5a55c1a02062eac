// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

/**
 * What a column of a {@link Table} is for.
 *
 * @since 0.1
 */
public enum ColumnRole {
  /** An input: a finite number. */
  NUMBER,
  /** An input: one of a few texts. */
  CATEGORY,
  /** An input: a day, or a day and a time, as the days since 1970-01-01. */
  DATE,
  /** A text for others to read ({@link Table#texts}): no input here. */
  TEXT,
  /** An answer that is asked for: a label, a value or a class. */
  LABEL,
  /** Says which rows belong together ({@link Table#folds(int, String, long)}): no input. */
  ID,
  /** Not read. */
  IGNORE
}
