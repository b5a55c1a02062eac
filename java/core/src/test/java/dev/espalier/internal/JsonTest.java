// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  @Test
  void writesWhatItReads() {
    Map<String, Object> value = new LinkedHashMap<>();
    value.put("text", "quote \" slash \\ line \n umlaut \u00e4 face \ud83d\ude00 nul \0");
    value.put("numbers", List.of(1L, -2L, Long.MAX_VALUE, Long.MIN_VALUE, 0.1, -1e-300));
    value.put("truth", List.of(true, false));
    value.put("nothing", null);
    value.put("empty", List.of(Map.of(), List.of(), ""));
    String text = JsonWriter.write(value);
    assertEquals(value, JsonReader.read(text));
    text.chars().forEach(c -> assertEquals(true, c >= ' ' && c <= '~'));
  }

  @Test
  void readsWhiteSpaceAndEscapes() {
    assertEquals(
        Map.of("a", List.of(1L, 2.5, "/\b\f\n\r\t\u00e9")),
        JsonReader.read(" {\t\"a\" :\n[ 1 , 25e-1,\"\\/\\b\\f\\n\\r\\t\\u00E9\" ] } \r\n"));
    assertNull(JsonReader.read("null"));
    assertEquals(-0.0, JsonReader.read("-0.0"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", " ", "{", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "01", "-", "1.",
        ".5", "1e", "+1", "NaN", "Infinity", "nul", "tru", "\"", "\"\\x\"", "\"\\u12\"", "1 2",
            "[] x",
        "{\"a\":1,\"a\":2}", "99999999999999999999", "\"\n\"", "'a'", "1\0"
      })
  void refusesWhatIsNotJson(String text) {
    assertThrows(IllegalArgumentException.class, () -> JsonReader.read(text));
  }

  @Test
  void boundsTheDepth() {
    assertThrows(IllegalArgumentException.class, () -> JsonReader.read("[".repeat(100_000)));
  }

  @Test
  void refusesToWriteWhatHasNoForm() {
    assertThrows(IllegalArgumentException.class, () -> JsonWriter.write(Double.NaN));
    assertThrows(IllegalArgumentException.class, () -> JsonWriter.write(Float.POSITIVE_INFINITY));
    assertThrows(IllegalArgumentException.class, () -> JsonWriter.write(new Object()));
  }
}
