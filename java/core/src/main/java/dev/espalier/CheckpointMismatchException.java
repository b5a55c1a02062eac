// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.nio.file.Path;
import java.util.List;

/**
 * A checkpoint was written with other data or settings than those of the training that found it;
 * the message names each. {@link Checkpoints#mayDiffer} lets some differ.
 *
 * @since 0.1
 */
public final class CheckpointMismatchException extends IllegalStateException {
  private static final long serialVersionUID = 1;

  private final String file;
  private final String[] differences;

  CheckpointMismatchException(Path file, List<String> differences) {
    super(
        file
            + ": expected the data and settings that it was written with, but\n  "
            + String.join("\n  ", differences)
            + "\nCheckpoints.mayDiffer lets those that it names differ");
    this.file = file.toString();
    this.differences = differences.toArray(String[]::new);
  }

  /**
   * Returns the checkpoint.
   *
   * @return a file in the folder of {@link Checkpoints}
   */
  public Path file() {
    return Path.of(file);
  }

  /**
   * Returns what differs.
   *
   * @return a line each, for example {@code "seed: 1 there, 2 here"}
   */
  public List<String> differences() {
    return List.of(differences);
  }
}
