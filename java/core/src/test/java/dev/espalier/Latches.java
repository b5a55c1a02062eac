// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.concurrent.CountDownLatch;

/** Waiting where a test has no use for interruptions. */
final class Latches {
  private Latches() {}

  static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException interruption) {
      throw new AssertionError(interruption);
    }
  }
}
