// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * How a predictor keeps weights. Arithmetic is in float either way.
 *
 * @since 0.1
 */
public enum Precision {
  /** As they are: 4 bytes each. */
  FP32("fp32"),

  /**
   * Weights of dense layers rounded to bfloat16, to nearest with ties to even; 2 bytes each, so
   * that small batches, which are bound by the reading of weights, run faster. Each weight changes
   * by at most 2⁻⁸ of itself; infinite and NaN stay so. Biases and all other layers keep float.
   * Results keep their bits from batch to batch, as with {@link #FP32}.
   */
  BF16_WEIGHTS("bf16_weights");

  private final String key;

  Precision(String key) {
    this.key = key;
  }

  String key() {
    return key;
  }
}
