// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows of a table, one after the other. */
interface RowSource extends AutoCloseable {
  /** Returns the names of the columns, as they are. */
  List<String> header();

  /** Goes to the next row; returns false behind the last one. */
  boolean next();

  /** Returns what a column of the row has: a text, an object, or null. */
  @Nullable Object get(int column);

  /** Returns what the source knows of a column that may have any role, or null. */
  default @Nullable ColumnRole hint(int column) {
    return null;
  }

  /** Returns what errors name: the file, say. */
  String name();

  /** Returns where the row stands, behind {@link #name}: "line 7". */
  String place();

  @Override
  void close();

  /** Opens a source before its first row; again, if it does not hint at the role of each column. */
  interface Opener {
    RowSource open();
  }
}
