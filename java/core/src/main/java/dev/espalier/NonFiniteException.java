// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import org.jspecify.annotations.Nullable;

/**
 * An input, loss, gradient or statistic of a batch norm is NaN or infinite. The message names the
 * row, or the step and task or layer; a network in training keeps the last good weights. Check the
 * data, or lower the learning rate.
 *
 * @since 0.1
 */
public final class NonFiniteException extends EspalierException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected and what was got
   * @param cause what led to it, or null
   */
  public NonFiniteException(String message, @Nullable Throwable cause) {
    super(ErrorCode.NON_FINITE, message, cause);
  }
}
