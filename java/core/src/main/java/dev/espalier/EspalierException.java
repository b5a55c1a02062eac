// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An error that is neither a wrong argument ({@link IllegalArgumentException}), a wrong order of
 * calls ({@link IllegalStateException}) nor a failed file operation ({@link
 * java.io.UncheckedIOException}).
 *
 * <p>The subclasses say what to do about it; the class itself means an error inside the library, or
 * that its native part could not be loaded.
 *
 * @since 0.1
 */
public class EspalierException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ErrorCode code;

  /**
   * Creates an exception.
   *
   * @param code kind of error
   * @param message what was expected and what was got
   * @param cause what led to it, or null
   */
  public EspalierException(ErrorCode code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.code = Objects.requireNonNull(code, "code");
  }

  /**
   * Returns the kind of error.
   *
   * @return what each of them says to do
   */
  public ErrorCode code() {
    return code;
  }
}
