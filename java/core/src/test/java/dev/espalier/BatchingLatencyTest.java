// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@link BatchingOptions#maxWait} bounds what a request waits for company, from both sides. */
@Timeout(120)
class BatchingLatencyTest {
  private static final long WAIT_MILLIS = 100;

  /** What a thread may need to wake up and answer, at the best of several tries. */
  private static final long SLACK_MILLIS = 50;

  private static final int BATCH = 8;

  /** For what need not be waited for: such a request ends long before the wait does. */
  private static final Duration LONG_WAIT = Duration.ofMinutes(1);

  private static final Duration LIMIT = Duration.ofSeconds(40);

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

  private interface Trial {
    /** Returns how long it took. */
    long nanos() throws InterruptedException;
  }

  /**
   * Tries until it takes no longer. What waits too long does so in every try, until the time of the
   * test is over; other work of the computer slows down only some.
   */
  private static void assertTakesAtMost(long millis, Trial trial) throws InterruptedException {
    while (trial.nanos() > TimeUnit.MILLISECONDS.toNanos(millis)) {}
  }

  /** Waiting for company is for those who ask for it: 0.2 ms each cost most of the throughput. */
  @Test
  void nobodyIsWaitedForByDefault() {
    assertEquals(Duration.ZERO, BatchingOptions.defaults().maxWait());
  }

  @Test
  void aLoneRequestWaitsSoLongAndNotMuchLonger() throws InterruptedException {
    try (BatchingPredictor batching = waiting(Duration.ofMillis(WAIT_MILLIS))) {
      assertTakesAtMost(
          WAIT_MILLIS + SLACK_MILLIS,
          () -> {
            long start = System.nanoTime();
            batching.predict(new float[64]);
            long nanos = System.nanoTime() - start;
            assertTrue(nanos >= TimeUnit.MILLISECONDS.toNanos(WAIT_MILLIS), nanos + " ns");
            return nanos;
          });
    }
  }

  /** The first one's wait counts: what comes meanwhile, for as long as it does, prolongs it not. */
  @Test
  void aTrickleOfRequestsIsNotWaitedFor() throws InterruptedException {
    BatchingOptions options =
        BatchingOptions.defaults()
            .maxBatchSize(1 << 16) // more than come in the time of the test
            .queueCapacity(1 << 17)
            .maxWait(Duration.ofMillis(WAIT_MILLIS))
            .timeout(Duration.ofDays(1));
    try (BatchingPredictor batching = BatchingPredictor.of(predictor, options)) {
      CompletableFuture<float[]> first = batching.submit(new float[64]);
      while (!first.isDone()) {
        TimeUnit.MILLISECONDS.sleep(5);
        batching.submit(new float[64]);
      }
      assertEquals(2, first.join().length);
    }
  }

  /** Time spent behind a running batch counts as well. */
  @Test
  void whoHasWaitedBehindABatchGoesAtOnce() throws InterruptedException {
    try (BatchingPredictor batching = waiting(Duration.ofMillis(WAIT_MILLIS))) {
      assertTakesAtMost(
          SLACK_MILLIS,
          () -> {
            CountDownLatch release = BusyWorker.of(batching, 64);
            CompletableFuture<float[]> waited = batching.submit(new float[64]);
            TimeUnit.MILLISECONDS.sleep(WAIT_MILLIS + 1);
            long start = System.nanoTime();
            release.countDown();
            waited.join();
            return System.nanoTime() - start;
          });
    }
  }

  @Test
  void aFullBatchGoesAtOnce() {
    BatchingOptions options =
        BatchingOptions.defaults().maxBatchSize(BATCH).maxWait(LONG_WAIT).timeout(LIMIT);
    try (BatchingPredictor batching = BatchingPredictor.of(predictor, options)) {
      Stream.generate(() -> batching.submit(new float[64]))
          .limit(BATCH)
          .toList()
          .forEach(CompletableFuture::join);
    }
  }

  /** Who finds the queue full is turned away, so nobody may be waited for. */
  @Test
  void aFullQueueGoesAtOnce() throws InterruptedException {
    BatchingOptions options =
        BatchingOptions.defaults()
            .maxBatchSize(BATCH)
            .queueCapacity(BATCH / 2)
            .maxWait(LONG_WAIT)
            .timeout(LIMIT);
    Set<Thread> others = Thread.getAllStackTraces().keySet();
    try (BatchingPredictor batching = BatchingPredictor.of(predictor, options)) {
      Thread worker =
          Thread.getAllStackTraces().keySet().stream()
              .filter(thread -> thread.getName().equals("espalier-batching"))
              .filter(thread -> !others.contains(thread))
              .findAny()
              .orElseThrow();
      List<CompletableFuture<float[]>> futures = new ArrayList<>();
      for (int k = 1; k < BATCH / 2; k++) {
        futures.add(batching.submit(new float[64]));
      }
      // A worker on its way there may count the place of the last one before it is in the queue,
      // and leave it behind, to wait for company of its own.
      while (worker.getState() != Thread.State.TIMED_WAITING) {
        Thread.onSpinWait();
      }
      futures.add(batching.submit(new float[64]));
      futures.forEach(CompletableFuture::join);
    }
  }

  /** Whoever is turned away must not search a long queue for those given up, each time. */
  @Test
  void turningAwayCostsTheSameForAnyQueue() throws InterruptedException {
    long small = Long.MAX_VALUE;
    long large = Long.MAX_VALUE;
    do {
      small = Math.min(small, turningAwayNanos(1 << 4));
      large = Math.min(large, turningAwayNanos(1 << 14));
    } while (large >= 4 * small); // other work of the computer slows down only some
  }

  /** Returns how long it takes to turn away a thousand requests. */
  private long turningAwayNanos(int capacity) throws InterruptedException {
    BatchingOptions options =
        BatchingOptions.defaults()
            .maxBatchSize(BATCH)
            .queueCapacity(capacity)
            .timeout(Duration.ofDays(1));
    try (BatchingPredictor batching = BatchingPredictor.of(predictor, options)) {
      CountDownLatch release = BusyWorker.of(batching, 64);
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
