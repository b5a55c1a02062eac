// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@link BatchingOptions#maxWait} bounds what a request waits for company, from both sides. */
@Timeout(60)
class BatchingLatencyTest {
  private static final long WAIT_MILLIS = 100;

  /** What a thread may need to wake up and answer, at the best of several tries. */
  private static final long SLACK_MILLIS = 50;

  private static final int TRIES = 10;
  private static final int BATCH = 8;

  private final Network network = Dots.labeller(1);
  private final Predictor predictor = network.predictor();

  @AfterEach
  void close() {
    predictor.close();
    network.close();
  }

  private BatchingPredictor waiting(Duration wait) {
    return BatchingPredictor.of(
        predictor, BatchingOptions.defaults().maxBatchSize(BATCH).maxWait(wait));
  }

  /** Waiting for company is for those who ask for it: 0.2 ms each cost most of the throughput. */
  @Test
  void nobodyIsWaitedForByDefault() {
    assertEquals(Duration.ZERO, BatchingOptions.defaults().maxWait());
  }

  @Test
  void aLoneRequestWaitsSoLongAndNotMuchLonger() {
    try (BatchingPredictor batching = waiting(Duration.ofMillis(WAIT_MILLIS))) {
      long best = Long.MAX_VALUE;
      for (int i = 0; i < TRIES; i++) {
        long start = System.nanoTime();
        batching.predict(new float[64]);
        long nanos = System.nanoTime() - start;
        assertTrue(nanos >= TimeUnit.MILLISECONDS.toNanos(WAIT_MILLIS), nanos + " ns");
        best = Math.min(best, nanos);
      }
      assertTrue(best <= TimeUnit.MILLISECONDS.toNanos(WAIT_MILLIS + SLACK_MILLIS), best + " ns");
    }
  }

  /** The first one's wait counts: what comes meanwhile must not prolong it. */
  @Test
  void aTrickleOfRequestsIsNotWaitedFor() throws InterruptedException {
    try (BatchingPredictor batching = waiting(Duration.ofMillis(WAIT_MILLIS))) {
      long best = Long.MAX_VALUE;
      for (int i = 0; i < TRIES; i++) {
        long start = System.nanoTime();
        CompletableFuture<float[]> first = batching.submit(new float[64]);
        List<CompletableFuture<float[]>> others = new ArrayList<>();
        for (int k = 1; k < BATCH / 2; k++) {
          TimeUnit.MILLISECONDS.sleep(WAIT_MILLIS / BATCH);
          others.add(batching.submit(new float[64]));
        }
        first.join();
        best = Math.min(best, System.nanoTime() - start);
        others.forEach(CompletableFuture::join);
      }
      assertTrue(best <= TimeUnit.MILLISECONDS.toNanos(WAIT_MILLIS + SLACK_MILLIS), best + " ns");
    }
  }

  /** Time spent behind a running batch counts as well. */
  @Test
  void whoHasWaitedBehindABatchGoesAtOnce() throws InterruptedException {
    try (BatchingPredictor batching = waiting(Duration.ofMillis(WAIT_MILLIS))) {
      long best = Long.MAX_VALUE;
      for (int i = 0; i < TRIES; i++) {
        CountDownLatch release = new CountDownLatch(1);
        // It runs on the worker, which waits for company for long enough.
        CompletableFuture<Void> occupied =
            batching.submit(new float[64]).thenRun(() -> Latches.awaitQuietly(release));
        TimeUnit.MILLISECONDS.sleep(WAIT_MILLIS + SLACK_MILLIS);
        CompletableFuture<float[]> waited = batching.submit(new float[64]);
        TimeUnit.MILLISECONDS.sleep(WAIT_MILLIS);
        long start = System.nanoTime();
        release.countDown();
        waited.join();
        best = Math.min(best, System.nanoTime() - start);
        occupied.join();
      }
      assertTrue(best <= TimeUnit.MILLISECONDS.toNanos(SLACK_MILLIS), best + " ns");
    }
  }

  @Test
  void aFullBatchGoesAtOnce() throws InterruptedException {
    try (BatchingPredictor batching = waiting(Duration.ofSeconds(1))) {
      long best = Long.MAX_VALUE;
      for (int i = 0; i < TRIES; i++) {
        List<CompletableFuture<float[]>> futures = new ArrayList<>();
        for (int k = 1; k < BATCH; k++) {
          futures.add(batching.submit(new float[64]));
        }
        TimeUnit.MILLISECONDS.sleep(SLACK_MILLIS); // by now the worker waits for the last one
        long start = System.nanoTime();
        futures.add(batching.submit(new float[64]));
        futures.forEach(CompletableFuture::join);
        best = Math.min(best, System.nanoTime() - start);
      }
      assertTrue(best < TimeUnit.MILLISECONDS.toNanos(SLACK_MILLIS), best + " ns");
    }
  }

  /**
   * Who finds the queue full is turned away, so nobody may be waited for. A request whose place the
   * worker counted before it was in the queue is left behind, and waits for company of its own;
   * that is rare.
   */
  @Test
  void aFullQueueGoesAtOnce() {
    BatchingOptions options =
        BatchingOptions.defaults()
            .maxBatchSize(BATCH)
            .queueCapacity(BATCH / 2)
            .maxWait(Duration.ofMinutes(1))
            .timeout(Duration.ofSeconds(5));
    int wentAtOnce = 0;
    try (BatchingPredictor batching = BatchingPredictor.of(predictor, options)) {
      for (int round = 0; round < TRIES; round++) {
        List<CompletableFuture<float[]>> futures = new ArrayList<>();
        for (int k = 0; k < BATCH / 2; k++) {
          futures.add(batching.submit(new float[64]));
        }
        boolean hasAll = true;
        for (CompletableFuture<float[]> future : futures) {
          hasAll &= future.handle((answer, late) -> late == null).join();
        }
        wentAtOnce += hasAll ? 1 : 0;
      }
    }
    assertTrue(wentAtOnce > TRIES / 2, wentAtOnce + " of " + TRIES);
  }

  /** Whoever is turned away must not search a long queue for those given up, each time. */
  @Test
  void turningAwayCostsTheSameForAnyQueue() throws InterruptedException {
    long small = Long.MAX_VALUE;
    long large = Long.MAX_VALUE;
    for (int i = 0; i < TRIES; i++) {
      small = Math.min(small, turningAwayNanos(1 << 4));
      large = Math.min(large, turningAwayNanos(1 << 14));
    }
    assertTrue(large < 4 * small, large + " ns, " + small + " ns with a short queue");
  }

  /** Returns how long it takes to turn away a thousand requests. */
  private long turningAwayNanos(int capacity) throws InterruptedException {
    BatchingOptions options =
        BatchingOptions.defaults()
            .maxBatchSize(BATCH)
            .queueCapacity(capacity)
            .maxWait(Duration.ofMillis(WAIT_MILLIS));
    try (BatchingPredictor batching = BatchingPredictor.of(predictor, options)) {
      CountDownLatch isOccupied = new CountDownLatch(1);
      CountDownLatch release = new CountDownLatch(1);
      batching
          .submit(new float[64])
          .thenRun(
              () -> {
                isOccupied.countDown();
                Latches.awaitQuietly(release);
              });
      isOccupied.await();
      List<CompletableFuture<float[]>> waiting = new ArrayList<>();
      for (int i = 0; i < capacity; i++) {
        waiting.add(batching.submit(new float[64]));
      }
      float[] input = new float[64];
      long start = System.nanoTime();
      for (int i = 0; i < 1000; i++) {
        assertThrows(OverloadedException.class, () -> batching.predict(input));
      }
      long nanos = System.nanoTime() - start;
      waiting.forEach(future -> future.cancel(true));
      release.countDown();
      return nanos;
    }
  }
}
