// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import java.util.Locale;
import java.util.Map;

/** A sentence about what was measured, and whether it is what was expected. */
record Verdict(String text, boolean expected) {
  static Verdict of(boolean expected, String format, Object... values) {
    String text = String.format(Locale.ROOT, format, values);
    return new Verdict(expected ? text : text + " This is not what was expected.", expected);
  }

  Map<String, Object> toMap() {
    return Map.of("text", text, "expected", expected);
  }
}
