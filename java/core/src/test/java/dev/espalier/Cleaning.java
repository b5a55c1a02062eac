// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.concurrent.TimeUnit;

/** Waiting for what the collector and the cleaner close. */
final class Cleaning {
  private static final long MOST_NANOS = TimeUnit.MINUTES.toNanos(1); // on a busy computer

  private Cleaning() {}

  /** Collects until no more handles are open than that; the caller checks that there are not. */
  static void awaitHandles(long handles) throws InterruptedException {
    long start = System.nanoTime();
    while (Espalier.liveHandles() > handles && System.nanoTime() - start < MOST_NANOS) {
      System.gc();
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }
}
