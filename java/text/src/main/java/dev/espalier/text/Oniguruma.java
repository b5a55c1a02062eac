// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Regular expressions as Oniguruma reads them, in Java's words; of these, what Java can be made to
 * read alike. Groups must not be repeated, except for "perhaps": Java takes stack for each time.
 */
final class Oniguruma {
  private static final int DEEPEST = 16;

  /** Escapes of letters that mean the same, {@code \w} and {@code \W} once they are spelled out. */
  private static final String ESCAPES = "dDsSwWrntfvpPu";

  private static final List<String> GROUPS = List.of("(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!");

  /** {@code \w} in a class: without joiners. */
  private static final String WORD_IN_CLASS = "\\p{IsAlphabetic}\\p{M}\\p{Nd}\\p{Pc}";

  /** {@code \w} elsewhere: with the small digits and fractions of Latin-1. */
  private static final String WORD = WORD_IN_CLASS + "\\xB2\\xB3\\xB9\\xBC-\\xBE";

  private static final Pattern SCRIPT = Pattern.compile("\\\\[pP]\\{(?=\\p{Lu}\\p{Ll}{2})");

  private Oniguruma() {}

  /** Says what Java would read otherwise, or must not be asked to do; null if there is nothing. */
  static @Nullable String problem(String expression) {
    int groups = 0;
    int classes = 0;
    for (int i = 0; i < expression.length(); i++) {
      char c = expression.charAt(i);
      String problem = null;
      if (c == '\\') {
        problem = problemOfEscape(expression, ++i, classes > 0);
      } else if (classes > 0) {
        classes += c == '[' ? 1 : c == ']' ? -1 : 0;
        problem = expression.startsWith("[:", i) ? "a POSIX bracket" : null;
      } else if (c == '[') {
        classes = 1;
        int first = i + (expression.startsWith("^", i + 1) ? 2 : 1);
        problem = expression.startsWith("]", first) ? "']' at the start of a class" : null;
      } else if (c == '(') {
        groups++;
        problem = problemOfGroup(expression, i, groups);
      } else if (c == ')') {
        groups--;
        boolean isRepeated =
            i + 1 < expression.length() && "*+{".indexOf(expression.charAt(i + 1)) >= 0;
        problem = isRepeated ? "a group that is repeated" : null;
      }
      if (problem != null) {
        return problem;
      }
    }
    return null;
  }

  private static @Nullable String problemOfEscape(String expression, int at, boolean isInClass) {
    char escaped = at < expression.length() ? expression.charAt(at) : '\0';
    boolean isKnown =
        Character.isLetterOrDigit(escaped)
            ? ESCAPES.indexOf(escaped) >= 0
            : escaped > ' ' && escaped < 127;
    if (!isKnown) {
      return "the escape \\" + escaped;
    }
    return isInClass && escaped == 'W' ? "\\W in a class" : null;
  }

  private static @Nullable String problemOfGroup(String expression, int at, int depth) {
    if (depth > DEEPEST) {
      return "groups more than " + DEEPEST + " deep";
    }
    boolean isKnown =
        !expression.startsWith("(?", at)
            || GROUPS.stream().anyMatch(kind -> expression.startsWith(kind, at));
    return isKnown ? null : "a group of another kind than " + String.join(" ", GROUPS);
  }

  /** Writes in Java's words: {@code \p{Han}} is {@code \p{IsHan}}, {@code \w} is spelled out. */
  static String inJava(String expression) {
    StringBuilder java = new StringBuilder();
    int classes = 0;
    for (int i = 0; i < expression.length(); i++) {
      char c = expression.charAt(i);
      if (c != '\\') {
        classes += c == '[' ? 1 : c == ']' && classes > 0 ? -1 : 0;
        java.append(c);
        continue;
      }
      Matcher script = SCRIPT.matcher(expression).region(i, expression.length());
      script.useTransparentBounds(true);
      if (expression.startsWith("w", i + 1)) {
        java.append(classes > 0 ? WORD_IN_CLASS : "[" + WORD + "]");
      } else if (expression.startsWith("W", i + 1)) {
        java.append("[^").append(WORD).append(']');
      } else if (script.lookingAt()) {
        java.append(script.group()).append("Is");
        i++;
      } else {
        java.append(expression, i, Math.min(i + 2, expression.length()));
      }
      i++;
    }
    return java.toString();
  }
}
