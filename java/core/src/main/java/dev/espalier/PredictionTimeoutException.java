// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * A {@link BatchingPredictor} did not answer a request in its time. The request is given up: if it
 * still waited, nothing is computed for it.
 *
 * @since 0.1
 */
public final class PredictionTimeoutException extends EspalierException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected and what was got
   */
  public PredictionTimeoutException(String message) {
    super(ErrorCode.TIMEOUT, message, null);
  }
}
