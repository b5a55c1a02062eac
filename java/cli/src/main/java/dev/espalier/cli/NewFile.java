// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The file that a command makes. */
final class NewFile {
  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "FILE",
      description = "The file to write.")
  private Path file;

  @Option(names = "--force", description = "Writes over a file that is there already.")
  private boolean force;

  /** Returns the path; refuses one that can't be written, before any work is done for it. */
  Path checked() {
    Path folder = file.toAbsolutePath().getParent();
    if (Files.isDirectory(file)) {
      throw new CommandFailure("-o: expected a file, got the folder " + file);
    }
    if (Files.exists(file) && !force) {
      throw new CommandFailure(
          file + " is there already: name another file, or write over it by --force");
    }
    if (!Files.isDirectory(folder)) {
      throw new CommandFailure("-o: the folder " + folder + " is not there: make it first");
    }
    if (!Files.isWritable(folder)) {
      throw new CommandFailure("-o: no permission to write into the folder " + folder);
    }
    return file;
  }
}
