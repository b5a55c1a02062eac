// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * A pattern of the file: a text, or a regular expression as Oniguruma reads it. Of these it takes
 * what Java reads alike. A group must not be repeated without a bound, and a search may look at
 * each unit {@value #LOOKS} times: so no expression of a stranger takes the stack or the time of a
 * service.
 */
final class TextPattern {
  private static final int LOOKS = 256;
  private static final int MOST_UNITS = 4096;
  private static final int FLAGS =
      Pattern.UNICODE_CHARACTER_CLASS | Pattern.MULTILINE | Pattern.UNIX_LINES;

  private final Pattern pattern;

  private TextPattern(Pattern pattern) {
    this.pattern = pattern;
  }

  /** Returns a pattern that matches a text. */
  static TextPattern literal(String text) {
    return new TextPattern(Pattern.compile(text, Pattern.LITERAL));
  }

  /**
   * Reads {@code {"String": …}} or {@code {"Regex": …}}; null, with a note, if it can't be done.
   */
  static @Nullable TextPattern of(Fields fields, String field) {
    if (fields.value(field) instanceof String) {
      return literal(notEmpty(fields, field, fields.string(field)));
    }
    Fields kinds = fields.object(field);
    if (kinds.has("String")) {
      return literal(notEmpty(kinds, "String", kinds.string("String")));
    }
    String expression = notEmpty(kinds, "Regex", kinds.string("Regex"));
    String problem = Oniguruma.problem(expression);
    if (problem == null) {
      try {
        return new TextPattern(Pattern.compile(Oniguruma.inJava(expression), FLAGS));
      } catch (PatternSyntaxException unknown) {
        problem = unknown.getDescription();
      } catch (StackOverflowError tooDeep) {
        problem = "nested too deeply";
      }
    }
    kinds.unsupported("the expression \"" + Fields.brief(expression) + "\": " + problem);
    return null;
  }

  private static String notEmpty(Fields fields, String field, String text) {
    if (text.isEmpty() || text.length() > MOST_UNITS) {
      throw fields.error(field, "1 to " + MOST_UNITS + " characters", text);
    }
    return text;
  }

  /** Cuts a stretch of text into matches and what lies between. */
  Spans spans(TextBuffer text, int start, int end) {
    Spans spans = new Spans();
    spans.begin(start);
    Looks looks = new Looks(text.chars, start, end);
    Matcher matcher = pattern.matcher(looks);
    while (matcher.find()) {
      spans.match(start + matcher.start(), start + matcher.end());
    }
    spans.finish(end);
    return spans;
  }

  /** Replaces all matches in a text. */
  String replaceAll(String text, String content) {
    return pattern
        .matcher(new Looks(text.toCharArray(), 0, text.length()))
        .replaceAll(Matcher.quoteReplacement(content));
  }

  /** A stretch of text that may be looked at so often. */
  private static final class Looks implements CharSequence {
    private final char[] chars;
    private final int start;
    private final int end;
    private long rest;

    Looks(char[] chars, int start, int end) {
      this.chars = chars;
      this.start = start;
      this.end = end;
      rest = (long) LOOKS * (end - start + 16);
    }

    @Override
    public int length() {
      return end - start;
    }

    @Override
    public char charAt(int index) {
      if (--rest < 0) {
        throw new IllegalArgumentException(
            "expected a regular expression that looks at each unit of a text up to "
                + LOOKS
                + " times, got one that takes more; use another tokenizer");
      }
      return chars[start + index];
    }

    @Override
    public CharSequence subSequence(int from, int to) {
      return new String(chars, start + from, to - from);
    }

    @Override
    public String toString() {
      return new String(chars, start, end - start);
    }
  }
}
