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
    return checked(file, force);
  }

  /** Refuses another file that the command makes, as {@link #checked()} its own. */
  void checkedBeside(Path other) {
    if (other.toAbsolutePath().normalize().equals(file.toAbsolutePath().normalize())) {
      throw new CommandFailure("expected two files to write, got " + other + " twice");
    }
    checked(other, force);
  }

  /** Returns a path to write to; one that is there already has to be forced. */
  static Path checked(Path file, boolean force) {
    return checked(file, force, ", or write over it by --force");
  }

  /** Returns a path to write to, where nothing may be yet. */
  static Path unused(Path file) {
    return checked(file, false, "");
  }

  /** Returns a folder to keep things in, which need not be there yet. */
  static Path folder(String option, Path folder) {
    if (Files.exists(folder) && !Files.isDirectory(folder)) {
      throw new CommandFailure(
          option + ": expected a folder, or the name of a new one, got the file " + folder);
    }
    return folder;
  }

  private static Path checked(Path file, boolean force, String otherwise) {
    Path folder = file.toAbsolutePath().getParent();
    if (Files.isDirectory(file)) {
      throw new CommandFailure("expected a file to write, got the folder " + file);
    }
    if (Files.exists(file) && !force) {
      throw new CommandFailure(file + " is there already: name another file" + otherwise);
    }
    if (!Files.isDirectory(folder)) {
      throw new CommandFailure("the folder " + folder + " is not there: make it first");
    }
    if (!Files.isWritable(folder)) {
      throw new CommandFailure("no permission to write into the folder " + folder);
    }
    return file;
  }
}
