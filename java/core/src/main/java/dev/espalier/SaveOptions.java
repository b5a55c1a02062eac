// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * What {@link Network#save(java.nio.file.Path, SaveOptions)} writes. Immutable; each method returns
 * changed options.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class SaveOptions {
  private static final SaveOptions DEFAULTS = new SaveOptions(false);
  private static final SaveOptions INT8_WEIGHTS = new SaveOptions(true);

  private final boolean isInt8Weights;

  private SaveOptions(boolean isInt8Weights) {
    this.isInt8Weights = isInt8Weights;
  }

  /**
   * Returns the defaults: every value in float, to the bit.
   *
   * @return the options
   */
  public static SaveOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Writes the weights that a predictor with {@link Precision#INT8} has in 8 bits so, with a scale
   * for each row: those of large dense layers, also of transformers, of convolutions 1 x 1 of
   * stride 1, and embeddings. All else stays float. A network that consists of such layers, as
   * transformers do, takes about a quarter of the bytes; one of larger convolutions hardly fewer.
   *
   * <p>The file is loaded like any other. Its network has the rounded weights, and can be served in
   * any precision, adapted and trained; saved again in the same way, it gives the same values. A
   * predictor with {@link Precision#INT8} gives the same bits as one of the network that was saved.
   * Keep the file of floats of what is to be trained on.
   *
   * @return changed options
   */
  public SaveOptions int8Weights() {
    return INT8_WEIGHTS;
  }

  /**
   * Returns whether weights are written in 8 bits where a predictor can have them so.
   *
   * @return false for floats
   */
  public boolean isInt8Weights() {
    return isInt8Weights;
  }

  /** Returns {@code "float32"}, or {@code "int8 where predictors have it"}. */
  @Override
  public String toString() {
    return isInt8Weights ? "int8 where predictors have it" : "float32";
  }
}
