// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.io.IOException;
import java.net.URI;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/**
 * Files of this machine, {@code fatal:///}. Each third that a process renames ends one, but once
 * for a folder: its own process, or the other executor of a {@code local-cluster} where the path
 * says "other".
 */
public final class FatalFileSystem extends RawLocalFileSystem {
  /** Says, beside the folder of the files, that it has happened, and to how many others. */
  static final String MARKER = "ended";

  /** Has the names of the files that were renamed, in their order. */
  static final String LIST = "renamed";

  private static int renamed; // by this process

  @Override
  public URI getUri() {
    return URI.create("fatal:///");
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    if (++renamed % 3 == 0) {
      end(to);
    }
    boolean isDone = super.rename(from, to);
    Files.writeString(
        beside(to, LIST),
        to.getName() + "\n",
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
    return isDone;
  }

  private static java.nio.file.Path beside(Path file, String name) {
    return java.nio.file.Path.of(file.toUri().getPath()).getParent().resolveSibling(name);
  }

  private static void end(Path path) throws IOException {
    try {
      Files.createFile(beside(path, MARKER));
    } catch (FileAlreadyExistsException once) {
      return;
    }
    if (!path.toString().contains("other")) {
      Runtime.getRuntime().halt(1);
    }
    int ended = 0;
    ProcessHandle self = ProcessHandle.current();
    for (ProcessHandle sibling : self.parent().orElseThrow().children().toList()) {
      if (sibling.pid() != self.pid() && sibling.destroyForcibly()) {
        sibling.onExit().join();
        ended++;
      }
    }
    Files.writeString(beside(path, MARKER), ended + " others");
  }
}
