// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Map;

/**
 * Plain data (maps, lists, arrays of numbers, texts, numbers, booleans, null) as JSON. What is not
 * finite is null, as JSON has no such numbers.
 */
final class JsonText {
  private static final JsonFactory FACTORY = new JsonFactory();

  private JsonText() {}

  static String of(Object value, boolean isIndented) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = FACTORY.createGenerator(text)) {
      if (isIndented) {
        json.useDefaultPrettyPrinter();
      }
      write(json, value);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    return text.toString();
  }

  /**
   * Returns JSON that means the same in a script element, whatever it says: without {@code <},
   * {@code >} and {@code &}, which could end or comment the element, and without the two line ends
   * that older scripts do not take in texts. All of them occur within texts alone.
   */
  static String forScript(Object value) {
    return of(value, false)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029");
  }

  private static void write(JsonGenerator json, Object value) throws IOException {
    if (value instanceof Map<?, ?> map) {
      json.writeStartObject();
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        json.writeFieldName((String) entry.getKey());
        write(json, entry.getValue());
      }
      json.writeEndObject();
    } else if (value instanceof Iterable<?> list) {
      json.writeStartArray();
      for (Object element : list) {
        write(json, element);
      }
      json.writeEndArray();
    } else if (value instanceof double[] numbers) {
      json.writeStartArray();
      for (double number : numbers) {
        write(json, number);
      }
      json.writeEndArray();
    } else if (value instanceof Number number) {
      writeNumber(json, number);
    } else if (value instanceof Boolean truth) {
      json.writeBoolean(truth);
    } else if (value == null) {
      json.writeNull();
    } else {
      json.writeString((String) value);
    }
  }

  private static void writeNumber(JsonGenerator json, Number number) throws IOException {
    double value = number.doubleValue();
    if (!Double.isFinite(value)) {
      json.writeNull();
    } else if (number instanceof Float) {
      json.writeNumber(number.floatValue());
    } else if (value == Math.rint(value) && Math.abs(value) < 1L << 53) {
      json.writeNumber(number.longValue()); // 1 rather than 1.0
    } else {
      json.writeNumber(value);
    }
  }
}
