// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import java.nio.file.Path;
import picocli.CommandLine.Parameters;

/** Where examples are. */
final class ExamplePaths {
  @Parameters(index = "0", paramLabel = "DATA", description = "Folder of pictures, or a CSV.")
  private Path data;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "CSV",
      description = "File names and answers of the pictures. Without it, subfolders are classes.")
  private Path csv;

  Path data() {
    return data;
  }

  /** Returns the CSV of the pictures, or null. */
  Path csv() {
    return csv;
  }
}
