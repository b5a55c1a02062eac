// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import java.util.Locale;

/** Numbers as they stand in sentences. */
final class Figures {
  private Figures() {}

  /** Returns three digits after the point; more where they would be zeros. */
  static String of(double value) {
    if (!Double.isFinite(value)) {
      return "–";
    }
    boolean isSmall = value != 0 && Math.abs(value) < 0.001;
    return String.format(Locale.ROOT, isSmall ? "%.2g" : "%.3f", value);
  }
}
