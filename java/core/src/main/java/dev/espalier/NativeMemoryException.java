// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import org.jspecify.annotations.Nullable;

/**
 * Native memory would exceed its budget, or the system has none left. Use a smaller batch, close
 * what is not needed, or raise the budget.
 *
 * @since 0.1
 */
public final class NativeMemoryException extends EspalierException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected and what was got
   * @param cause what led to it, or null
   */
  public NativeMemoryException(String message, @Nullable Throwable cause) {
    super(ErrorCode.OUT_OF_MEMORY, message, cause);
  }
}
