// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/**
 * How much a {@link FeatureCache} may keep, and where. Immutable: each method returns changed
 * options.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class FeatureCacheOptions {
  private static final FeatureCacheOptions DEFAULTS =
      new FeatureCacheOptions(
          Long.MAX_VALUE, Optional.of(Path.of(System.getProperty("java.io.tmpdir"))));

  private final long budget;
  private final Optional<Path> folder;

  private FeatureCacheOptions(long budget, Optional<Path> folder) {
    this.budget = budget;
    this.folder = folder;
  }

  /**
   * Returns the defaults: as much as there is room for, in memory or else in files of the system's
   * folder for temporary ones.
   *
   * @return the options
   */
  public static FeatureCacheOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Limits the bytes of all features together, in memory and in files.
   *
   * @param bytes at least 1
   * @return changed options
   * @throws IllegalArgumentException if the number is out of range
   */
  public FeatureCacheOptions budget(long bytes) {
    return new FeatureCacheOptions(Arguments.positive("bytes", bytes), folder);
  }

  /**
   * Sets where features go that memory has no room for: within the library's own budget ({@link
   * Espalier#setNativeBytesBudget}) and half of the machine's memory. The files have no names, and
   * are gone with the cache or the process, however that ends.
   *
   * @param folder a folder of the default file system with room
   * @return changed options
   */
  public FeatureCacheOptions folder(Path folder) {
    return new FeatureCacheOptions(budget, Optional.of(Objects.requireNonNull(folder, "folder")));
  }

  /**
   * Keeps features in memory only.
   *
   * @return changed options
   */
  public FeatureCacheOptions withoutFolder() {
    return new FeatureCacheOptions(budget, Optional.empty());
  }

  long budget() {
    return budget;
  }

  /** Returns the folder for native code; empty: none. */
  String folderPath() {
    return folder.map(Path::toString).orElse("");
  }

  @Override
  public String toString() {
    String limit = budget == Long.MAX_VALUE ? "" : "budget " + budget + ", ";
    return "FeatureCacheOptions["
        + limit
        + folder.map(path -> "folder " + path).orElse("without folder")
        + ']';
  }
}
