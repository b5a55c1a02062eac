// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import dev.espalier.ModelFileException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads JSON text (RFC 8259) into maps, lists, strings, {@code Long}s, {@code Double}s, booleans
 * and null. Strict: no key twice in an object, nothing after the value, nesting up to {@value
 * #MAX_DEPTH}, no lone surrogates. Whole files of 250,000 tokens pass through it, so strings
 * without escapes are cut out in one piece.
 */
final class Json {
  private static final int MAX_DEPTH = 64;

  /** Of ten, as a double. */
  private static final int LARGEST_POWER = 308;

  private final String text;
  private int position;

  private Json(String text) {
    this.text = text;
  }

  /**
   * Reads one value.
   *
   * @throws ModelFileException if the text is not JSON, with the position
   */
  static @Nullable Object read(String text) {
    Json json = new Json(text);
    Object value = json.value(0);
    json.skipBlanks();
    if (json.position < text.length()) {
      throw json.error("the end");
    }
    return value;
  }

  private @Nullable Object value(int depth) {
    if (depth > MAX_DEPTH) {
      throw error("nesting of at most " + MAX_DEPTH);
    }
    skipBlanks();
    switch (position < text.length() ? text.charAt(position) : '\0') {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return string();
      case 't':
        return literal("true", Boolean.TRUE);
      case 'f':
        return literal("false", Boolean.FALSE);
      case 'n':
        return literal("null", null);
      default:
        return number();
    }
  }

  private Map<String, @Nullable Object> object(int depth) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    position++;
    if (isNext('}')) {
      return map;
    }
    do {
      skipBlanks();
      int start = position;
      String key = string();
      if (map.containsKey(key)) {
        position = start;
        throw error("each key once, \"" + Fields.brief(key) + "\" is there twice");
      }
      expect(':');
      map.put(key, value(depth + 1));
    } while (isNext(','));
    expect('}');
    return map;
  }

  private List<@Nullable Object> array(int depth) {
    List<@Nullable Object> list = new ArrayList<>();
    position++;
    if (isNext(']')) {
      return list;
    }
    do {
      list.add(value(depth + 1));
    } while (isNext(','));
    expect(']');
    return list;
  }

  private String string() {
    if (position >= text.length() || text.charAt(position) != '"') {
      throw error("a string");
    }
    int start = ++position;
    while (position < text.length()) {
      char c = text.charAt(position);
      if (c == '"') {
        return text.substring(start, position++);
      } else if (c == '\\') {
        return stringWithEscapes(start);
      } else if (c < ' ') {
        throw error("no control character in a string");
      }
      position++;
    }
    throw error("the end of a string");
  }

  /** Goes on with a string at its first escape. */
  private String stringWithEscapes(int start) {
    StringBuilder string = new StringBuilder().append(text, start, position);
    while (position < text.length()) {
      char c = text.charAt(position);
      if (c == '"') {
        position++;
        return Surrogates.isWellFormed(string) ? string.toString() : loneSurrogate(start);
      } else if (c < ' ') {
        throw error("no control character in a string");
      }
      position++;
      string.append(c == '\\' ? escape() : c);
    }
    throw error("the end of a string");
  }

  private String loneSurrogate(int start) {
    position = start;
    throw error("no lone surrogate in a string");
  }

  private char escape() {
    char c = position < text.length() ? text.charAt(position) : '\0';
    position++;
    switch (c) {
      case '"', '\\', '/':
        return c;
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'u':
        int code = 0;
        for (int i = 0; i < 4; i++, position++) {
          int digit =
              position < text.length() && text.charAt(position) < 128
                  ? Character.digit(text.charAt(position), 16)
                  : -1;
          if (digit < 0) {
            throw error("four hexadecimal digits");
          }
          code = code * 16 + digit;
        }
        return (char) code;
      default:
        position--;
        throw error("a known escape");
    }
  }

  private Number number() {
    int start = position;
    skip('-');
    int whole = position;
    digits();
    if (text.charAt(whole) == '0' && position > whole + 1) {
      throw error("no leading zero");
    }
    boolean isWhole = true;
    if (skip('.')) {
      isWhole = false;
      digits();
    }
    if (skip('e') || skip('E')) {
      isWhole = false;
      if (!skip('+')) {
        skip('-');
      }
      digits();
    }
    String number = text.substring(start, position);
    try {
      return isWhole ? (Number) Long.valueOf(number) : (Number) real(number);
    } catch (NumberFormatException tooLarge) {
      throw error("a number of 64 bits");
    }
  }

  /**
   * Reads a number as the reader of Hugging Face's tokenizers does: all digits as a whole number,
   * then times or by a power of ten, which rounds twice. Scores of the same digits so are the same
   * bits, by which a tie between two cuts of a text is decided.
   */
  private static double real(String number) {
    long digits = 0;
    long exponent = 0;
    boolean isFraction = false;
    int i = number.charAt(0) == '-' ? 1 : 0;
    for (; i < number.length() && (number.charAt(i) | 0x20) != 'e'; i++) {
      int digit = number.charAt(i) - '0';
      if (number.charAt(i) == '.') {
        isFraction = true;
      } else if (Long.compareUnsigned(digits, Long.divideUnsigned(-1L - digit, 10)) <= 0) {
        digits = 10 * digits + digit;
        exponent -= isFraction ? 1 : 0;
      } else {
        exponent += isFraction ? 0 : 1;
      }
    }
    if (i < number.length()) {
      exponent += Integer.parseInt(number.substring(i + 1));
    }
    double value = digits >= 0 ? digits : 2.0 * (digits >>> 1 | digits & 1);
    for (; exponent < -LARGEST_POWER && value != 0; exponent += LARGEST_POWER) {
      value /= power(LARGEST_POWER);
    }
    if (exponent > LARGEST_POWER && value != 0) {
      value = Double.POSITIVE_INFINITY;
    } else if (value != 0) {
      value = exponent >= 0 ? value * power(exponent) : value / power(-exponent);
    }
    return number.charAt(0) == '-' ? -value : value;
  }

  private static double power(long exponent) {
    return Double.parseDouble("1e" + exponent);
  }

  private void digits() {
    int start = position;
    while (position < text.length()
        && text.charAt(position) >= '0'
        && text.charAt(position) <= '9') {
      position++;
    }
    if (position == start) {
      throw error(
          start > 0 && "-.eE+".indexOf(text.charAt(start - 1)) >= 0 ? "a digit" : "a value");
    }
  }

  private @Nullable Object literal(String word, @Nullable Object value) {
    if (!text.startsWith(word, position)) {
      throw error("a value");
    }
    position += word.length();
    return value;
  }

  private void skipBlanks() {
    while (position < text.length() && " \t\r\n".indexOf(text.charAt(position)) >= 0) {
      position++;
    }
  }

  private boolean skip(char c) {
    boolean isThere = position < text.length() && text.charAt(position) == c;
    position += isThere ? 1 : 0;
    return isThere;
  }

  /** Takes a character, and blanks before it, if it is there. */
  private boolean isNext(char c) {
    skipBlanks();
    return skip(c);
  }

  private void expect(char c) {
    if (!isNext(c)) {
      throw error("'" + c + "'");
    }
  }

  private ModelFileException error(String expected) {
    String got =
        position < text.length() ? "'" + text.charAt(position) + "'" : "the end of the text";
    return new ModelFileException(
        "JSON: expected " + expected + " at " + position + ", got " + got, null);
  }
}
