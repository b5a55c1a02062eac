// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** Folders that vanish with what is in them. */
final class TemporaryFolder {
  private TemporaryFolder() {}

  /** Removes a folder, if it is there. */
  static void remove(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}
