// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.ProviderNotFoundException;
import java.nio.file.ReadOnlyFileSystemException;

/**
 * What is wrong with a file, in words: the message of a file system's exception is its path, or
 * nothing. Exceptions that no file system throws are returned as they are.
 */
final class FileErrors {
  private FileErrors() {}

  /** Returns the exception for a file that could not be read. */
  static RuntimeException unreadable(Path file, Exception error) {
    return of(file + ": expected a file that can be read, got an error: ", "no such file", error);
  }

  /** Returns the exception for a file that could not be written. */
  static RuntimeException unwritable(Path file, Exception error) {
    return of(
        file + ": expected a file that can be written, got an error: ", "no such folder", error);
  }

  /** Returns the exception for a folder where a file should be written. */
  static UncheckedIOException folder(Path file) {
    String message = file + ": expected a regular file, got a folder";
    return new UncheckedIOException(message, new IOException(message));
  }

  private static RuntimeException of(String expected, String missing, Exception error) {
    if (error instanceof IOException failure) {
      return new UncheckedIOException(expected + reason(failure, missing), failure);
    }
    if (error instanceof ClosedFileSystemException) {
      return unchecked(expected + "its file system is closed", error);
    }
    if (error instanceof ReadOnlyFileSystemException) {
      return unchecked(expected + "its file system is read-only", error);
    }
    if (error instanceof FileSystemNotFoundException
        || error instanceof ProviderNotFoundException
        || error instanceof ProviderMismatchException
        || error instanceof UnsupportedOperationException) {
      return unchecked(expected + error, error);
    }
    return (RuntimeException) error;
  }

  private static UncheckedIOException unchecked(String message, Exception error) {
    return new UncheckedIOException(message, new IOException(error));
  }

  private static String reason(IOException error, String missing) {
    if (error instanceof NoSuchFileException) {
      return missing;
    }
    if (error instanceof AccessDeniedException) {
      return "not allowed";
    }
    if (error instanceof FileSystemException failure && failure.getReason() != null) {
      return failure.getReason();
    }
    return error.getMessage();
  }
}
