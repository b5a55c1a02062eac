// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.CopyOption;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Objects;
import java.util.UUID;

/** A file that is there as a whole or not at all, and takes no other one's place unasked. */
final class NewFile {
  private NewFile() {}

  static void write(Path file, String text, CopyOption... options) {
    write(file, text.getBytes(StandardCharsets.UTF_8), options);
  }

  /**
   * Writes beside the file first.
   *
   * @param options {@link StandardCopyOption#REPLACE_EXISTING} or none
   */
  static void write(Path file, byte[] bytes, CopyOption... options) {
    boolean replaces = replaces(options);
    try {
      if (!replaces && Files.exists(file)) {
        throw new FileAlreadyExistsException(file.toString());
      }
      Path absolute = file.toAbsolutePath();
      Path folder = absolute.getParent();
      if (folder == null || Files.isDirectory(file)) {
        throw new FileSystemException(file.toString(), null, "expected a file, got a folder");
      }
      Path partial = folder.resolve(".report-" + UUID.randomUUID() + ".partial");
      try {
        Files.write(partial, bytes, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        move(partial, absolute, replaces);
      } finally {
        Files.deleteIfExists(partial);
      }
    } catch (IOException error) {
      throw new UncheckedIOException(message(file, error), error);
    }
  }

  private static void move(Path from, Path to, boolean replaces) throws IOException {
    if (!replaces) {
      Files.move(from, to); // fails where a file came there meanwhile
      return;
    }
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException unsupported) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static boolean replaces(CopyOption... options) {
    boolean replaces = false;
    for (CopyOption option : Objects.requireNonNull(options, "options")) {
      if (Objects.requireNonNull(option, "options") != StandardCopyOption.REPLACE_EXISTING) {
        throw new IllegalArgumentException(
            "options: expected REPLACE_EXISTING or none, got " + List.of(options));
      }
      replaces = true;
    }
    return replaces;
  }

  /** Says what is wrong, where the exception has nothing but the file's name. */
  static String message(Path file, IOException error) {
    if (error instanceof FileAlreadyExistsException) {
      return file + ": is there already; with REPLACE_EXISTING it is written over";
    }
    if (error instanceof NoSuchFileException) {
      return file + ": its folder does not exist";
    }
    String reason = error instanceof FileSystemException at ? at.getReason() : error.getMessage();
    return file + ": " + (reason == null ? error.getClass().getSimpleName() : reason);
  }
}
