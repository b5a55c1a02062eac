// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import org.jspecify.annotations.Nullable;

/**
 * What is called is in use by another thread: a network that is trained or changed, a trainer that
 * runs. Wait until that is done; nothing was changed.
 *
 * @since 0.1
 */
public final class BusyException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected and what was got
   */
  public BusyException(String message) {
    super(message);
  }

  /**
   * Creates an exception with a cause.
   *
   * @param message what was expected and what was got
   * @param cause what led to it, or null
   */
  public BusyException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
