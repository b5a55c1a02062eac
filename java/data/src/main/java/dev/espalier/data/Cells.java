// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.math.BigDecimal;
import java.time.format.DateTimeFormatter;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Reads single fields: texts of files, and objects of programs and databases. NaN stands for what
 * is not of the form that is asked for; the caller has asked for blanks before.
 */
final class Cells {
  static final String NUMBER = "a finite number";
  private static final double MOST_EXACT_WHOLE = 1L << 53;

  private final Set<String> blanks;
  private final Set<String> yes;
  private final Set<String> no;
  private final String dateFormat;
  private final @Nullable DateTimeFormatter formatter;

  Cells(TableOptions options) {
    this(options.blanks(), options.yes(), options.no(), options.dateFormat());
  }

  /** Without a date format, dates have ISO form. */
  Cells(Set<String> blanks, List<String> yes, List<String> no, String dateFormat) {
    this.blanks = blanks;
    this.yes = new HashSet<>(yes);
    this.no = new HashSet<>(no);
    this.dateFormat = dateFormat;
    formatter = dateFormat.isEmpty() ? null : Dates.formatter(dateFormat);
  }

  boolean isBlank(@Nullable Object value) {
    return value == null
        || (value instanceof CharSequence || value instanceof Character)
            && blanks.contains(value.toString().strip());
  }

  /** Returns a number that fits a float. */
  double number(Object value) {
    if (value instanceof Number number) {
      return finite(number.doubleValue());
    }
    return value instanceof CharSequence text ? number(text.toString().strip()) : Double.NaN;
  }

  private static double number(String text) {
    // parseDouble would also take "NaN", "0x1p3" and "1f".
    for (int i = 0; i < text.length(); i++) {
      if ("0123456789+-.eE".indexOf(text.charAt(i)) < 0) {
        return Double.NaN;
      }
    }
    try {
      return finite(Double.parseDouble(text));
    } catch (NumberFormatException notNumber) {
      return Double.NaN;
    }
  }

  private static double finite(double value) {
    return Math.abs(value) <= Float.MAX_VALUE ? value : Double.NaN;
  }

  double days(Object value) {
    if (!(value instanceof CharSequence text)) {
      return Dates.days(value);
    }
    String stripped = text.toString().strip();
    return formatter == null ? Dates.isoDays(stripped) : Dates.days(stripped, formatter);
  }

  /** Returns 0 to 1. */
  double label(Object value) {
    if (value instanceof Boolean answer) {
      return answer ? 1 : 0;
    }
    if (value instanceof CharSequence text) {
      String small = text.toString().strip().toLowerCase(Locale.ROOT);
      if (yes.contains(small)) {
        return 1;
      }
      if (no.contains(small)) {
        return 0;
      }
    }
    double number = number(value);
    return number >= 0 && number <= 1 ? number : Double.NaN;
  }

  /** Returns the text of what can be a category; null of other objects. */
  static @Nullable String category(Object value) {
    if (value instanceof CharSequence || value instanceof Character || value instanceof Boolean) {
      return value.toString().strip();
    }
    if (value instanceof Enum<?> constant) {
      return constant.name();
    }
    if (value instanceof Double || value instanceof Float) {
      double number = ((Number) value).doubleValue();
      if (!Double.isFinite(number)) {
        return null;
      }
      boolean isWhole = number == Math.rint(number) && Math.abs(number) < MOST_EXACT_WHOLE;
      return isWhole ? Long.toString((long) number) : value.toString();
    }
    if (value instanceof BigDecimal number) {
      return number.stripTrailingZeros().toPlainString();
    }
    return value instanceof Number ? value.toString() : null;
  }

  String expectedDate() {
    return dateFormat.isEmpty()
        ? "a date as 2026-03-31 or 2026-03-31 08:15"
        : "a date as " + dateFormat;
  }

  String expectedLabel() {
    return "0 to 1, "
        + yes.stream().filter(w -> w.length() > 1).sorted().collect(Collectors.joining(", "))
        + " or "
        + no.stream().filter(w -> w.length() > 1).sorted().collect(Collectors.joining(", "));
  }

  /** Returns {@code expected} and what else may stand there. */
  String orBlank(String expected) {
    List<String> others = blanks.stream().filter(blank -> !blank.isEmpty()).sorted().toList();
    return expected + " or nothing" + (others.isEmpty() ? "" : " or one of " + others);
  }

  /** Returns a value for an error, cut where it is long. */
  static String shown(@Nullable Object value) {
    if (value == null) {
      return "null";
    }
    String text = value.toString();
    String quoted = text.length() > 80 ? '"' + text.substring(0, 80) + "…\"" : '"' + text + '"';
    return value instanceof CharSequence ? quoted : value.getClass().getSimpleName() + " " + quoted;
  }
}
