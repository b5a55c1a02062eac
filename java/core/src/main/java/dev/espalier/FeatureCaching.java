// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where a fit keeps features of frozen layers.
 *
 * @param bytes what they may need at most
 * @param folder of a file for those that memory has no room for; null: none
 * @param shared what outlives the fit, in place of both
 */
record FeatureCaching(long bytes, @Nullable Path folder, Optional<FeatureCache> shared) {
  static FeatureCaching usual() {
    return new FeatureCaching(
        Long.MAX_VALUE, Path.of(System.getProperty("java.io.tmpdir")), Optional.empty());
  }

  FeatureCaching within(long most) {
    return new FeatureCaching(most, folder, shared);
  }

  FeatureCaching in(@Nullable Path other) {
    return new FeatureCaching(bytes, other, shared);
  }

  FeatureCaching by(@Nullable FeatureCache cache) {
    return new FeatureCaching(bytes, folder, Optional.ofNullable(cache));
  }
}
