// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import org.jspecify.annotations.Nullable;

/**
 * A shape or a size differs from the expected one; the message names both.
 *
 * @since 0.1
 */
public final class ShapeException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected and what was got
   */
  public ShapeException(String message) {
    super(message);
  }

  /**
   * Creates an exception with a cause.
   *
   * @param message what was expected and what was got
   * @param cause what led to it, or null
   */
  public ShapeException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
