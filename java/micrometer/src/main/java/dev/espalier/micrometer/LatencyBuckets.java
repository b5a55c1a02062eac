// SPDX-License-Identifier: Apache-2.0
package dev.espalier.micrometer;

import java.time.Duration;
import java.util.stream.LongStream;

/** Bounds of histograms of predictions, which take microseconds to a second. */
final class LatencyBuckets {
  private static final long[] MICROS = {
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 1_000_000
  };

  private LatencyBuckets() {}

  static Duration[] bounds() {
    return LongStream.of(MICROS)
        .mapToObj(micros -> Duration.ofNanos(1_000 * micros))
        .toArray(Duration[]::new);
  }
}
