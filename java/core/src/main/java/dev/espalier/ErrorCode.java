// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * Kinds of errors, as C++ and Java name them. Each says what to do, and stands for an exception of
 * Java.
 *
 * @since 0.1
 */
public enum ErrorCode {
  /** Fix the value: {@link IllegalArgumentException}. */
  INVALID_ARGUMENT,
  /** Fix the shape: {@link ShapeException}. */
  SHAPE_MISMATCH,
  /** Fix the order of calls: {@link IllegalStateException}. */
  INVALID_STATE,
  /** Make or load the object again: {@link ClosedException}. */
  CLOSED,
  /** Wait: another thread uses the object: {@link BusyException}. */
  BUSY,
  /** Use another file, or another version of the library: {@link ModelFileException}. */
  MODEL_FILE,
  /** Check path, disk and rights: {@link java.io.UncheckedIOException}. */
  IO,
  /** Use a smaller batch or a larger budget: {@link NativeMemoryException}. */
  OUT_OF_MEMORY,
  /** Lower the learning rate or check the data: {@link NonFiniteException}. */
  NON_FINITE,
  /** Report a bug: {@link EspalierException}. */
  INTERNAL,
  /** Install what the message names; the library was not loaded: {@link EspalierException}. */
  NATIVE_LIBRARY,
  /** Send fewer requests, or the same later: {@link OverloadedException}. */
  OVERLOADED,
  /** Wait longer, or send fewer requests: {@link PredictionTimeoutException}. */
  TIMEOUT
}
