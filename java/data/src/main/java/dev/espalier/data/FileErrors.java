// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What is wrong with a file, in words: the message of a file system's exception is its path. */
final class FileErrors {
  private FileErrors() {}

  /** Returns the exception for a file that could not be read; others are returned as they are. */
  static RuntimeException unreadable(Path file, Exception error) {
    if (error instanceof CharacterCodingException) {
      return new IllegalArgumentException(
          file + OtherBytes.place(file) + ": save it as UTF-8", error);
    }
    if (error instanceof UncheckedIOException wrapped) {
      return unreadable(file, wrapped.getCause());
    }
    if (error instanceof IOException failure) {
      return new UncheckedIOException(message(file, reason(failure)), failure);
    }
    if (error instanceof ClosedFileSystemException) {
      String message = message(file, "its file system is closed");
      return new UncheckedIOException(message, new IOException(error));
    }
    return (RuntimeException) error;
  }

  private static String message(Path file, @Nullable String reason) {
    return file + ": expected a file that can be read, got an error: " + reason;
  }

  private static @Nullable String reason(IOException error) {
    if (error instanceof NoSuchFileException) {
      return "no such file";
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
