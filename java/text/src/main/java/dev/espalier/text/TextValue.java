// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.List;

/**
 * What an input of a network is of a text.
 *
 * @since 0.1
 */
public enum TextValue {
  /** The ids of its tokens, then padding. Usual names: {@code ids}, {@code input_ids}. */
  IDS("ids", "input_ids"),
  /** The number of its tokens, one value. Usual names: {@code length}, {@code lengths}. */
  LENGTH("length", "lengths"),
  /** 1 for each token, then 0. Usual names: {@code mask}, {@code attention_mask}. */
  MASK("mask", "attention_mask"),
  /**
   * Which of two texts each token is of ({@link Encoding#typeIds}), then 0. Usual names: {@code
   * types}, {@code token_type_ids}.
   */
  TYPES("types", "token_type_ids");

  private final List<String> usualNames;

  TextValue(String... usualNames) {
    this.usualNames = List.of(usualNames);
  }

  /** Returns true if inputs of this name are usually it. */
  boolean isUsually(String name) {
    return usualNames.contains(name);
  }
}
