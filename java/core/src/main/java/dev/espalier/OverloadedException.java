// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * A {@link BatchingPredictor} has as many requests waiting as it may; this one was turned away at
 * once. Send fewer, or the same later.
 *
 * @since 0.1
 */
public final class OverloadedException extends EspalierException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected and what was got
   */
  public OverloadedException(String message) {
    super(ErrorCode.OVERLOADED, message, null);
  }
}
