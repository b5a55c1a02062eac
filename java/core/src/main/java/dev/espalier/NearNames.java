// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What to say of a name that there is not: which there are, and which was probably meant. */
final class NearNames {
  /** Anything longer is no typing error. */
  private static final int LONGEST = 512;

  private static final int SUGGESTIONS = 3;

  private NearNames() {}

  /**
   * Returns for example {@code expected one of [auc, f1], got "acu"; did you mean 'auc'?}.
   *
   * @param kind what they are, for example {@code "expected one of"}
   */
  static String instead(String kind, List<String> known, String unknown) {
    return kind
        + " "
        + NameOrder.brief(known)
        + ", got \""
        + unknown
        + '"'
        + didYouMean(unknown, known);
  }

  /** Returns up to three known names, nearest first, as a question; "" if none is near. */
  static String didYouMean(String unknown, List<String> known) {
    if (unknown.isEmpty() || unknown.length() > LONGEST) {
      return "";
    }
    int limit = Math.max(1, unknown.length() / 3);
    List<Near> near = new ArrayList<>();
    for (String name : known) {
      // Each edit changes the length by at most one.
      boolean isFar = Math.abs(name.length() - unknown.length()) > limit;
      int distance = isFar ? limit + 1 : distance(unknown, name);
      if (distance <= limit) {
        near.add(new Near(name, distance));
      }
    }
    near.sort(Comparator.comparingInt(Near::distance));
    List<String> names = near.stream().limit(SUGGESTIONS).map(n -> "'" + n.name + "'").toList();
    return names.isEmpty() ? "" : "; did you mean " + String.join(" or ", names) + "?";
  }

  private record Near(String name, int distance) {}

  /** Insertions, deletions, substitutions and swaps of neighbours that lead from one to another. */
  static int distance(String a, String b) {
    // Distances of the prefixes of b to those of a: the row, the one above, the one before that.
    int[] before = new int[b.length() + 1];
    int[] above = new int[b.length() + 1];
    int[] row = new int[b.length() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] free = before;
      before = above;
      above = row;
      row = free;
      row[0] = i;
      for (int j = 1; j < row.length; j++) {
        int substituted = above[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(substituted, Math.min(row[j - 1], above[j]) + 1);
        boolean isSwap =
            i > 1
                && j > 1
                && a.charAt(i - 1) == b.charAt(j - 2)
                && a.charAt(i - 2) == b.charAt(j - 1);
        if (isSwap) {
          row[j] = Math.min(row[j], before[j - 2] + 1);
        }
      }
    }
    return row[b.length()];
  }
}
