// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.CheckReturnValue;
import java.nio.file.Path;
import java.util.Objects;

/**
 * A file that could not be read as a picture.
 *
 * @param file the file
 * @param reason what is wrong with it, for people
 * @since 0.1
 */
@CheckReturnValue
public record BrokenPicture(Path file, String reason) {
  /**
   * Describes a file.
   *
   * @param file the file
   * @param reason what is wrong with it, for people
   * @throws NullPointerException if something is null
   */
  public BrokenPicture {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(reason, "reason");
  }

  /** Returns the reason, which names the file. */
  @Override
  public String toString() {
    return reason;
  }
}
