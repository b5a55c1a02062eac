// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import java.util.Map;

/**
 * Writes maps, lists, strings, numbers and booleans as JSON in ASCII. Null is written as {@code
 * null}; NaN and infinities have no JSON form and are refused.
 */
public final class JsonWriter {
  private JsonWriter() {}

  /**
   * Returns {@code value} as JSON text.
   *
   * @param value a map with string keys, an iterable, string, boolean, number or null
   * @return ASCII text without line breaks
   * @throws IllegalArgumentException if a number is not finite or a class has no JSON form
   */
  public static String write(Object value) {
    StringBuilder text = new StringBuilder();
    append(value, text);
    return text.toString();
  }

  private static void append(Object value, StringBuilder text) {
    if (value == null || value instanceof Boolean) {
      text.append(value);
    } else if (value instanceof String string) {
      appendString(string, text);
    } else if (value instanceof Integer || value instanceof Long) {
      text.append(value);
    } else if (value instanceof Double || value instanceof Float) {
      appendReal(((Number) value).doubleValue(), text);
    } else if (value instanceof Map<?, ?> map) {
      String separator = "{";
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        text.append(separator);
        appendString((String) entry.getKey(), text);
        text.append(':');
        append(entry.getValue(), text);
        separator = ",";
      }
      text.append(map.isEmpty() ? "{}" : "}");
    } else if (value instanceof Iterable<?> elements) {
      text.append('[');
      String separator = "";
      for (Object element : elements) {
        text.append(separator);
        append(element, text);
        separator = ",";
      }
      text.append(']');
    } else {
      throw new IllegalArgumentException("no JSON form for " + value.getClass());
    }
  }

  private static void appendReal(double number, StringBuilder text) {
    if (!Double.isFinite(number)) {
      throw new IllegalArgumentException("expected a finite number, got " + number);
    }
    text.append(number);
  }

  private static void appendString(String string, StringBuilder text) {
    text.append('"');
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      if (c == '"' || c == '\\') {
        text.append('\\').append(c);
      } else if (c < ' ' || c > '~') {
        text.append("\\u").append(Integer.toHexString(0x10000 | c), 1, 5);
      } else {
        text.append(c);
      }
    }
    text.append('"');
  }
}
