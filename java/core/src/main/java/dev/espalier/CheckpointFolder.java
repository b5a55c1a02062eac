// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.NativeCall;
import dev.espalier.internal.NativeHandle;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** The checkpoints in a folder: files with the number of steps in their names. */
final class CheckpointFolder {
  private static final Pattern NAME = Pattern.compile("checkpoint-\\d{12}\\.safetensors");

  private final Path folder;

  /** Makes the folder if it is not there. */
  CheckpointFolder(Path folder) {
    if (folder.getFileSystem() != FileSystems.getDefault()) {
      throw new IllegalArgumentException(
          "checkpoints: expected a folder of the default file system, got " + folder.toUri());
    }
    this.folder = folder.toAbsolutePath();
    try {
      Files.createDirectories(this.folder);
    } catch (IOException error) {
      throw new UncheckedIOException(
          "checkpoints: expected a folder, or that one can be made: " + error, error);
    }
  }

  /** Returns all there are, the newest first. */
  List<Path> files() {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
      for (Path file : all) {
        if (NAME.matcher(file.getFileName().toString()).matches()) {
          files.add(file);
        }
      }
    } catch (IOException error) {
      throw new UncheckedIOException("checkpoints: can't list " + folder + ": " + error, error);
    }
    files.sort(Comparator.comparing(Path::toString).reversed());
    return files;
  }

  /** Returns the notes of one, all of which was held to its checksums. */
  static String notes(Path file) {
    return NativeCall.get(() -> Bridge.checkpointNotes(file.toString()));
  }

  static void load(NativeHandle trainer, Path file) {
    trainer.get(id -> Bridge.trainerLoadCheckpoint(id, file.toString()));
  }

  void save(NativeHandle trainer, long steps, String notes) {
    String name = String.format(Locale.ROOT, "checkpoint-%012d.safetensors", steps);
    trainer.run(id -> Bridge.trainerSaveCheckpoint(id, folder.resolve(name).toString(), notes));
  }

  /** Deletes all but the newest ones. */
  void keep(int count) throws IOException {
    List<Path> files = files();
    for (Path file : files.subList(Math.min(count, files.size()), files.size())) {
      Files.deleteIfExists(file);
    }
  }

  @Override
  public String toString() {
    return folder.toString();
  }
}
