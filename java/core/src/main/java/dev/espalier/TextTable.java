// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;

/** Lays out rows of text for people. */
final class TextTable {
  private TextTable() {}

  /**
   * Returns lines whose columns stand below each other: the first one to the left, all others to
   * the right, two blanks between.
   *
   * @param rows of the same length each
   */
  static String of(List<String[]> rows) {
    int[] widths = new int[rows.get(0).length];
    for (String[] row : rows) {
      for (int c = 0; c < row.length; c++) {
        widths[c] = Math.max(widths[c], row[c].length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < row.length; c++) {
        String padding = " ".repeat(widths[c] - row[c].length());
        line.append(c == 0 ? row[c] + padding : "  " + padding + row[c]);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
