// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** What is wrong with a file, in words: the message of a file system's exception is its path. */
final class FileErrors {
  private FileErrors() {}

  /** Returns the exception for a file that could not be read. */
  static UncheckedIOException unreadable(Path file, IOException error) {
    return new UncheckedIOException(
        file + ": expected a file that can be read, got an error: " + reason(error, "no such file"),
        error);
  }

  /** Returns the exception for a file that could not be written. */
  static UncheckedIOException unwritable(Path file, IOException error) {
    return new UncheckedIOException(
        file
            + ": expected a file that can be written, got an error: "
            + reason(error, "no such folder"),
        error);
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
