// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import org.jspecify.annotations.Nullable;

/**
 * A call on something that is closed. Make or load it again; nothing was changed.
 *
 * @since 0.1
 */
public final class ClosedException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected and what was got
   */
  public ClosedException(String message) {
    super(message);
  }

  /**
   * Creates an exception with a cause.
   *
   * @param message what was expected and what was got
   * @param cause what led to it, or null
   */
  public ClosedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
