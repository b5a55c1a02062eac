// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * How a predictor keeps weights, and computes with them. {@link PrecisionChoice} measures which is
 * fastest on this CPU without losing in what counts.
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
  BF16_WEIGHTS("bf16_weights"),

  /**
   * Products in whole numbers: weights of 8 bits with a scale for each output, inputs of 7 bits
   * with a scale for each row (each position of a text or an image), found as the predictor runs,
   * so that no calibration is needed. A quarter of the bytes, and on CPUs with AVX-512 VNNI
   * products three times as fast as in float. With an input {@code x} and the range of its row,
   * from the least to the greatest value and 0:
   *
   * <pre>
   *   q = round(x · 127 / range) + zero, 0 to 127      w = round(weight · 127 / max |weight|)
   *   y = Σ (q - zero) · w · (range / 127) · (max |weight| / 127) + bias
   * </pre>
   *
   * <p>Sums are exact and what follows is rounded in one order, so a product has the same bits on
   * every instruction set, in any batch and for any number of threads; whole networks have, as far
   * as all between the products is a choice or a limit (relu, leaky relu, relu6), for other layers
   * compute in float.
   *
   * <p>These are dense layers, those at each position too, and convolutions 1 x 1 of stride 1, with
   * {@code inputs} and {@code outputs} of a row such that {@code inputs · outputs ≥ 32 · (inputs +
   * outputs)}, and at most 132,000 inputs: smaller ones gain nothing. Embeddings of 4,096 values or
   * more, with rows of 32 or more, have 8 bits and a scale for each row, which becomes floats as it
   * is read. Heads' own dense layers and all other layers are as with {@link #FP32}. {@link
   * Predictor#describe} says which layers are in int8, and why others are not. {@link
   * SaveOptions#int8Weights} writes the same bytes to a file.
   *
   * <p>One value far beyond the others of its row takes the others' bits: inputs of very different
   * sizes, as of a table, are to be normalized. A row whose magnitudes are all below 2⁻⁵⁶ counts as
   * 0; one with NaN or infinity makes the results of its example NaN.
   */
  INT8("int8");

  private final String key;

  Precision(String key) {
    this.key = key;
  }

  String key() {
    return key;
  }
}
