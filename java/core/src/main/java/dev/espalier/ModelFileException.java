// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import org.jspecify.annotations.Nullable;

/**
 * A file is not a model file that this version can read: damaged, of another kind, or of a later
 * version. Use another file or another version of the library.
 *
 * @since 0.1
 */
public final class ModelFileException extends EspalierException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected and what was got
   * @param cause what led to it, or null
   */
  public ModelFileException(String message, @Nullable Throwable cause) {
    super(ErrorCode.MODEL_FILE, message, cause);
  }
}
