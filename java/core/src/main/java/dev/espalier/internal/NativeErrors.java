// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import dev.espalier.BusyException;
import dev.espalier.ClosedException;
import dev.espalier.ErrorCode;
import dev.espalier.EspalierException;
import dev.espalier.ModelFileException;
import dev.espalier.NativeMemoryException;
import dev.espalier.NonFiniteException;
import dev.espalier.ShapeException;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The only mapping from native errors to the exceptions of the public API. */
public final class NativeErrors {
  // What C++ throws when there is no memory for the text of an error either.
  private static final String NO_MEMORY_FOR_AN_ERROR = "std::bad_alloc";

  private NativeErrors() {}

  /**
   * Returns the exception that a native error becomes: native code throws "CODE: message", which
   * arrives as a plain {@code RuntimeException}. Exceptions of other classes come back unchanged.
   * The native one is kept as the cause.
   */
  public static RuntimeException translate(RuntimeException error) {
    String text = error.getMessage();
    if (error.getClass() != RuntimeException.class || text == null) {
      return error;
    }
    int colon = text.indexOf(':');
    String code = colon < 0 ? "" : text.substring(0, colon);
    String message = text.substring(colon + 1).strip();
    return switch (code) {
      case "INVALID_ARGUMENT" -> new IllegalArgumentException(message, error);
      case "SHAPE_MISMATCH" -> new ShapeException(message, error);
      case "INVALID_STATE" -> new IllegalStateException(message, error);
      case "CLOSED" -> new ClosedException(message, error);
      case "BUSY" -> new BusyException(message, error);
      case "MODEL_FILE" -> new ModelFileException(message, error);
      case "IO" -> new UncheckedIOException(message, new IOException(message, error));
      case "OUT_OF_MEMORY" -> new NativeMemoryException(message, error);
      case "NON_FINITE" -> new NonFiniteException(message, error);
      case "INTERNAL" -> new EspalierException(ErrorCode.INTERNAL, message, error);
      default ->
          text.equals(NO_MEMORY_FOR_AN_ERROR)
              ? new NativeMemoryException("the system has no memory left", error)
              : new EspalierException(ErrorCode.INTERNAL, text, error);
    };
  }
}
