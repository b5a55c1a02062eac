// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;

/**
 * How a predictor is made.
 *
 * @param maxBatchSize examples run at once, 1 to 2^20; larger batches are run in pieces of this
 *     size
 * @param isLogits true to return logits instead of probabilities
 */
public record PredictorOptions(int maxBatchSize, boolean isLogits) {
  /**
   * Checks the batch size.
   *
   * @param maxBatchSize as for the record
   * @param isLogits as for the record
   * @throws IllegalArgumentException if it is out of range
   */
  public PredictorOptions {
    Arguments.inRange("maxBatchSize", maxBatchSize, 1, 1 << 20);
  }

  /**
   * Returns the defaults: pieces of 256, probabilities.
   *
   * @return the options
   */
  public static PredictorOptions defaults() {
    return new PredictorOptions(256, false);
  }

  /**
   * Sets how many examples are run at once: memory against speed. The bits of the results do not
   * depend on it.
   *
   * @param size 1 to 2^20
   * @return changed options
   */
  public PredictorOptions maxBatchSize(int size) {
    return new PredictorOptions(size, isLogits);
  }

  /**
   * Returns logits instead of probabilities.
   *
   * @return changed options
   */
  public PredictorOptions logits() {
    return new PredictorOptions(maxBatchSize, true);
  }
}
