// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON text (RFC 8259) into maps, lists, strings, {@code Long}s, {@code Double}s, booleans
 * and null. Strict: no duplicate keys, no text after the value, nesting up to {@value #MAX_DEPTH}.
 */
public final class JsonReader {
  private static final int MAX_DEPTH = 64;

  private final String text;
  private int position;

  private JsonReader(String text) {
    this.text = text;
  }

  /**
   * Reads one value.
   *
   * @param text the whole text
   * @return the value
   * @throws IllegalArgumentException if the text is not JSON, with the position
   */
  public static Object read(String text) {
    JsonReader reader = new JsonReader(text);
    Object value = reader.value(0);
    if (reader.peek() != '\0' || reader.position < text.length()) {
      throw reader.error("the end");
    }
    return value;
  }

  private Object value(int depth) {
    if (depth > MAX_DEPTH) {
      throw error("nesting of at most " + MAX_DEPTH);
    }
    char c = peek();
    if (c == '{') {
      return object(depth);
    } else if (c == '[') {
      return array(depth);
    } else if (c == '"') {
      return string();
    } else if (c == '-' || (c >= '0' && c <= '9')) {
      return number();
    }
    return literal();
  }

  private Map<String, Object> object(int depth) {
    Map<String, Object> map = new LinkedHashMap<>();
    expect('{');
    if (peek() == '}') {
      position++;
      return map;
    }
    while (true) {
      peek();
      String key = string();
      expect(':');
      if (map.containsKey(key)) {
        throw error("each key once, \"" + key + "\" twice");
      }
      map.put(key, value(depth + 1));
      if (peek() != ',') {
        expect('}');
        return map;
      }
      position++;
    }
  }

  private List<Object> array(int depth) {
    List<Object> list = new ArrayList<>();
    expect('[');
    if (peek() == ']') {
      position++;
      return list;
    }
    while (true) {
      list.add(value(depth + 1));
      if (peek() != ',') {
        expect(']');
        return list;
      }
      position++;
    }
  }

  private String string() {
    expect('"');
    StringBuilder string = new StringBuilder();
    while (true) {
      char c = next();
      if (c == '"') {
        return string.toString();
      } else if (c < ' ') {
        throw error("no control character in a string");
      } else if (c != '\\') {
        string.append(c);
      } else {
        string.append(escape());
      }
    }
  }

  private char escape() {
    char c = next();
    return switch (c) {
      case '"', '\\', '/' -> c;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> {
        int code = 0;
        for (int i = 0; i < 4; i++) {
          int digit = Character.digit(next(), 16);
          if (digit < 0) {
            throw error("four hexadecimal digits");
          }
          code = code * 16 + digit;
        }
        yield (char) code;
      }
      default -> throw error("a known escape");
    };
  }

  private Number number() {
    int start = position;
    if (text.charAt(position) == '-') {
      position++;
    }
    int whole = position;
    digits();
    if (text.charAt(whole) == '0' && position > whole + 1) {
      throw error("no leading zero");
    }
    boolean isWhole = true;
    if (position < text.length() && text.charAt(position) == '.') {
      isWhole = false;
      position++;
      digits();
    }
    if (position < text.length() && (text.charAt(position) | 0x20) == 'e') {
      isWhole = false;
      position++;
      if (position < text.length() && "+-".indexOf(text.charAt(position)) >= 0) {
        position++;
      }
      digits();
    }
    String digits = text.substring(start, position);
    try {
      return isWhole ? (Number) Long.valueOf(digits) : (Number) Double.valueOf(digits);
    } catch (NumberFormatException tooLarge) {
      throw error("a number of 64 bits");
    }
  }

  private void digits() {
    int start = position;
    while (position < text.length()
        && text.charAt(position) >= '0'
        && text.charAt(position) <= '9') {
      position++;
    }
    if (position == start) {
      throw error("a digit");
    }
  }

  private Object literal() {
    if (text.startsWith("true", position)) {
      position += 4;
      return Boolean.TRUE;
    } else if (text.startsWith("false", position)) {
      position += 5;
      return Boolean.FALSE;
    } else if (text.startsWith("null", position)) {
      position += 4;
      return null;
    }
    throw error("a value");
  }

  /** Skips white space and returns the next character without taking it; NUL at the end. */
  private char peek() {
    while (position < text.length() && " \t\r\n".indexOf(text.charAt(position)) >= 0) {
      position++;
    }
    return position < text.length() ? text.charAt(position) : '\0';
  }

  private char next() {
    if (position >= text.length()) {
      throw error("more text");
    }
    return text.charAt(position++);
  }

  private void expect(char c) {
    if (peek() != c) {
      throw error("'" + c + "'");
    }
    position++;
  }

  private IllegalArgumentException error(String expected) {
    String got =
        position < text.length() ? "'" + text.charAt(position) + "'" : "the end of the text";
    return new IllegalArgumentException(
        "JSON: expected " + expected + " at " + position + ", got " + got);
  }
}
