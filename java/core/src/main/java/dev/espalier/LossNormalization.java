// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Locale;

/**
 * What the sum of a task's losses over its labelled entries is divided by.
 *
 * @since 0.1
 */
public enum LossNormalization {
  /** All examples of the batch, labelled or not; the default. */
  EXAMPLES,
  /** The labelled entries of this task in the batch. */
  LABELLED_ENTRIES,
  /** Each label's sum by that label's labelled entries in the batch. */
  PER_LABEL;

  String specName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
