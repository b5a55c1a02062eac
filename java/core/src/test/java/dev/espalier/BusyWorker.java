// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;

/** Occupies the thread that runs the batches of a {@link BatchingPredictor}. */
final class BusyWorker {
  private BusyWorker() {}

  /**
   * Returns once that thread waits for the latch that it returns. Some requests may be answered, or
   * come too late, before.
   */
  static CountDownLatch of(BatchingPredictor batching, int inputSize) throws InterruptedException {
    CountDownLatch release = new CountDownLatch(1);
    AtomicBoolean isOccupied = new AtomicBoolean();
    while (!isOccupied.get()) {
      CountDownLatch isOver = new CountDownLatch(1);
      batching
          .submit(new float[inputSize])
          .handle(
              (answer, late) -> {
                // On the caller's thread if the answer was there first, on another one if it came
                // too late; then once more.
                boolean isWorker = Thread.currentThread().getName().equals("espalier-batching");
                isOccupied.set(isWorker);
                isOver.countDown();
                if (isWorker) {
                  Latches.awaitQuietly(release);
                }
                return null;
              });
      isOver.await();
    }
    return release;
  }
}
