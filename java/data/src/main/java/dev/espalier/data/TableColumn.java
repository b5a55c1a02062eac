// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.CheckReturnValue;
import java.util.Locale;

/**
 * A column of a {@link Table}: its name, what it is for, and why.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class TableColumn {
  private final String name;
  private final ColumnRole role;
  private final String reason;

  TableColumn(String name, ColumnRole role, String reason) {
    this.name = name;
    this.role = role;
    this.reason = reason;
  }

  /**
   * Returns the name.
   *
   * @return as in the header, without spaces around it
   */
  public String name() {
    return name;
  }

  /**
   * Returns what the column is for.
   *
   * @return its role
   */
  public ColumnRole role() {
    return role;
  }

  /**
   * Returns where the role comes from, in words.
   *
   * @return "as asked for", or what was found in the column
   */
  public String reason() {
    return reason;
  }

  static String word(ColumnRole role) {
    return role.name().toLowerCase(Locale.ROOT);
  }

  /** Returns for example {@code "age: number (guessed: all numbers)"}. */
  @Override
  public String toString() {
    return name + ": " + word(role) + " (" + reason + ")";
  }
}
