// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

/** What the columns hold that an example's input is made of. */
enum InputKind {
  /** A vector of Spark ML. */
  VECTOR,
  /** An array of floats. */
  FLOATS,
  /** An array of doubles. */
  DOUBLES,
  /** An array of other numbers. */
  LIST,
  /** A number in each column. */
  NUMBERS,
  /** The content of a picture's file. */
  PICTURE,
  /** A text. */
  TEXT,
  /** Columns of a table that the model keeps the meaning of. */
  TABLE
}
