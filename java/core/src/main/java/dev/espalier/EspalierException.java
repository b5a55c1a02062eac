// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * An error that is neither a wrong argument ({@link IllegalArgumentException}), a wrong order of
 * calls ({@link IllegalStateException}) nor a failed file operation ({@link
 * java.io.UncheckedIOException}).
 *
 * <p>The subclasses say what to do about it; the class itself means an error inside the library, or
 * that its native part could not be loaded.
 */
public class EspalierException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String code;

  /**
   * Creates an exception.
   *
   * @param code stable name of the kind of error, such as {@code "INTERNAL"}
   * @param message what was expected and what was got
   * @param cause what led to it, or null
   */
  public EspalierException(String code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  /**
   * Returns the stable name of the kind of error.
   *
   * @return {@code "MODEL_FILE"}, {@code "OUT_OF_MEMORY"}, {@code "NON_FINITE"}, {@code
   *     "INTERNAL"}, or of Java alone {@code "NATIVE_LIBRARY"}, {@code "OVERLOADED"} or {@code
   *     "TIMEOUT"}
   */
  public String code() {
    return code;
  }
}
