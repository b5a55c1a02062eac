// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Locale;

/**
 * How {@link Layers#tokenPool} makes one vector of all positions.
 *
 * @since 0.1
 */
public enum TokenPooling {
  /** The mean over all positions. */
  MEAN,
  /** The largest value of all positions, for each column by itself. */
  MAX,
  /** The first position, as for BERT's {@code [CLS]}. */
  FIRST;

  String specName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
