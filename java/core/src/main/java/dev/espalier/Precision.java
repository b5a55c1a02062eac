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
   * Weights rounded to bfloat16, to nearest with ties to even; 2 bytes each, so that small batches,
   * which are bound by the reading of weights, run faster. Each weight changes by at most 2⁻⁸ of
   * itself; infinite and NaN stay so. Results keep their bits from batch to batch, as with {@link
   * #FP32}.
   *
   * <p>These are the weights of all dense layers, and of convolutions where reading them is what
   * takes the time: with 8,192 weights or more and an output of up to 4 positions (2 x 2), or 12
   * with more than 4,194,304 weights; not depthwise or grouped ones. Weights that are used at more
   * positions than that take no less time in bfloat16. Biases and all other layers keep float.
   * {@link Predictor#describe} says which convolutions do, and why.
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
