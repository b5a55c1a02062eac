// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

/**
 * How long to measure.
 *
 * @param warmMillis running before anything counts, for the compiler and the caches
 * @param rounds how often each contender's turn comes
 * @param roundMillis how long a turn is
 * @param isQuick whether workloads of minutes are left out
 */
record Effort(long warmMillis, int rounds, long roundMillis, boolean isQuick) {
  static Effort full() {
    return new Effort(1500, 7, 300, false);
  }

  static Effort quick() {
    return new Effort(500, 3, 150, true);
  }
}
