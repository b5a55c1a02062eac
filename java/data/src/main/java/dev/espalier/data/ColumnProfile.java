// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What is in a column, seen once, from which its role is guessed. In bounded memory. */
final class ColumnProfile {
  private static final int MOST_CATEGORIES = 50;
  private static final int WORDS_OF_A_TEXT = 3;
  private static final int LONGEST_SHOWN = 20;

  private final Cells cells;
  private final Set<String> different = new HashSet<>();
  private boolean hasMany;
  private long known;
  private long numbers;
  private @Nullable String firstOther;
  private boolean areDates = true;
  private int mostWords;

  ColumnProfile(Cells cells) {
    this.cells = cells;
  }

  void add(@Nullable Object value) {
    if (value == null || cells.isBlank(value)) {
      return;
    }
    known++;
    boolean isNumber = !Double.isNaN(cells.number(value));
    numbers += isNumber ? 1 : 0;
    areDates = areDates && !Double.isNaN(cells.days(value));
    String text = Cells.category(value);
    if (text == null) {
      text = value.toString();
    }
    if (!isNumber && firstOther == null) {
      firstOther = text;
    }
    if (!hasMany && different.add(text) && different.size() > MOST_CATEGORIES) {
      hasMany = true;
      different.clear();
    }
    if (firstOther != null && mostWords < WORDS_OF_A_TEXT) {
      mostWords = Math.max(mostWords, words(text));
    }
  }

  private static int words(String text) {
    // Most have none, and are many.
    return text.indexOf(' ') < 0 ? 1 : text.split("\\s+", WORDS_OF_A_TEXT).length;
  }

  /** Returns the column with the role that its name and its content suggest. */
  TableColumn guess(String name) {
    if (name.isEmpty()) {
      return guessed(name, ColumnRole.IGNORE, "no name");
    }
    if (known == 0) {
      return guessed(name, ColumnRole.IGNORE, "all blank");
    }
    if (isNamedAsId(name)) {
      return guessed(name, ColumnRole.ID, "its name");
    }
    if (firstOther == null) {
      return guessed(name, ColumnRole.NUMBER, "all numbers");
    }
    if (areDates) {
      return guessed(name, ColumnRole.DATE, "all dates");
    }
    if (!hasMany && (different.size() <= 2 || 2L * different.size() <= known)) {
      return guessed(name, ColumnRole.CATEGORY, different.size() + " different texts" + butFor());
    }
    String many = (hasMany ? "more than " + MOST_CATEGORIES : different.size()) + " different ";
    return mostWords >= WORDS_OF_A_TEXT
        ? guessed(name, ColumnRole.TEXT, many + "texts of several words" + butFor())
        : guessed(name, ColumnRole.IGNORE, many + "texts in " + known + " rows" + butFor());
  }

  /** Says what keeps a column that looks like one of numbers from being one. */
  private String butFor() {
    long others = known - numbers;
    if (firstOther == null || others >= numbers) {
      return "";
    }
    boolean isLong = firstOther.length() > LONGEST_SHOWN;
    String shown = isLong ? firstOther.substring(0, LONGEST_SHOWN) + "…" : firstOther;
    return "; numbers but for " + (others == 1 ? "" : others + ", as ") + '"' + shown + '"';
  }

  /** Returns the column with the role that its name and its type suggest. */
  static TableColumn guess(String name, ColumnRole ofType) {
    return isNamedAsId(name)
        ? guessed(name, ColumnRole.ID, "its name")
        : guessed(name, ofType, "its type");
  }

  private static boolean isNamedAsId(String name) {
    String small = name.toLowerCase(Locale.ROOT);
    return small.equals("id") || small.endsWith("_id") || small.endsWith(" id");
  }

  private static TableColumn guessed(String name, ColumnRole role, String reason) {
    return new TableColumn(name, role, "guessed: " + reason);
  }
}
