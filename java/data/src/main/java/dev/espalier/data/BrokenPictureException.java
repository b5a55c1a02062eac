// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import org.jspecify.annotations.Nullable;

/** What is wrong with a picture, whichever file it is in. */
final class BrokenPictureException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  BrokenPictureException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** Returns the exception for what a plug-in threw; of an error's causes the first one counts. */
  static BrokenPictureException damaged(Throwable error) {
    if (error instanceof BrokenPictureException broken) {
      return broken;
    }
    Throwable cause = error;
    while (cause.getCause() != null && cause.getCause() != cause) {
      cause = cause.getCause();
    }
    String reason =
        cause instanceof OutOfMemoryError
            ? "it needs more memory than the Java heap has left"
            : "damaged: " + cause;
    return new BrokenPictureException(reason, error);
  }
}
