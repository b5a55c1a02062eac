// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.util.Arrays;
import java.util.Locale;

/** What becomes of a row whose input is null, not finite, of another size or can't be read. */
enum ProblemPolicy {
  /** The job fails, naming the row. */
  ERROR,
  /** What would be the answers is null. */
  KEEP,
  /** The row is left out. */
  SKIP;

  /** Returns the names of all, as Spark's {@code handleInvalid} has them. */
  static String[] names() {
    return Arrays.stream(values())
        .map(policy -> policy.name().toLowerCase(Locale.ROOT))
        .toArray(String[]::new);
  }

  static ProblemPolicy of(String name) {
    return valueOf(name.toUpperCase(Locale.ROOT));
  }
}
