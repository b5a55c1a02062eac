// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Method;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A virtual thread that waits for a batch, or for the end of all, leaves its carrier: where there
 * is one carrier and no more may come, others still run while a hundred wait and one closes.
 */
@Timeout(300)
class BatchingPinningTest {
  private static final List<String> ONE_CARRIER =
      List.of(
          "-Xmx64m",
          "-Djdk.virtualThreadScheduler.parallelism=1",
          "-Djdk.virtualThreadScheduler.maxPoolSize=1");

  @Test
  void waitingThreadsLeaveTheirCarrier() {
    requireVirtualThreads();
    assertEquals(
        "100 wait, another runs: true",
        ChildJvm.run(Waiting.class, ONE_CARRIER, "in a batch").lastLine());
  }

  /** The same question where the answer is no: a class's initializer keeps the carrier. */
  @Test
  void aThreadThatKeepsItsCarrierWouldBeNoticed() {
    requireVirtualThreads();
    assertEquals(
        "1 wait, another runs: false",
        ChildJvm.run(Waiting.class, ONE_CARRIER, "pinned").lastLine());
  }

  private static void requireVirtualThreads() {
    assumeTrue(Runtime.version().feature() >= 21, "virtual threads need Java 21");
  }

  /** Lets virtual threads wait, then asks whether another one runs. */
  static final class Waiting {
    private static final CountDownLatch RELEASE = new CountDownLatch(1);
    private static final int THREADS = 100;
    private static final int MOST_SECONDS = 100;
    private static final int SOME_SECONDS = 2;

    /** Waits while it is initialized, which no virtual thread does without its carrier. */
    private static final class Pinning {
      static {
        Latches.awaitQuietly(RELEASE);
      }

      static void initialize() {}
    }

    public static void main(String[] arguments) throws Exception {
      if (arguments[0].equals("pinned")) {
        CountDownLatch isStarted = new CountDownLatch(1);
        startVirtual(
            () -> {
              isStarted.countDown();
              Pinning.initialize();
            });
        isStarted.await();
        report(1, SOME_SECONDS);
        RELEASE.countDown();
        return;
      }
      BatchingOptions options =
          BatchingOptions.defaults()
              .maxBatchSize(8)
              .maxWait(Duration.ofMillis(1))
              .timeout(Duration.ofMinutes(10)); // longer than the test
      try (Network network = Dots.labeller(1);
          Predictor predictor = network.predictor();
          BatchingPredictor batching = BatchingPredictor.of(predictor, options)) {
        final CountDownLatch release = BusyWorker.of(batching, 64);
        for (int i = 0; i < THREADS; i++) {
          startVirtual(() -> batching.predict(new float[64]));
        }
        while (batching.statistics().waiting() < THREADS) {
          Thread.sleep(1);
        }
        startVirtual(batching::close);
        while (!isClosed(batching, predictor)) {
          Thread.sleep(1);
        }
        report(THREADS, MOST_SECONDS);
        release.countDown();
      }
    }

    private static boolean isClosed(BatchingPredictor batching, Predictor predictor) {
      try {
        batching.swap(predictor);
        return false;
      } catch (IllegalStateException closed) {
        return true;
      }
    }

    private static void report(int waiting, int seconds) throws Exception {
      CountDownLatch runs = new CountDownLatch(1);
      startVirtual(runs::countDown);
      boolean isRun = runs.await(seconds, TimeUnit.SECONDS);
      System.out.println(waiting + " wait, another runs: " + isRun);
    }

    /** {@code Thread.startVirtualThread}, which the Java that compiles this may not have. */
    private static void startVirtual(Runnable work) throws Exception {
      Method start = Thread.class.getMethod("startVirtualThread", Runnable.class);
      start.invoke(null, work);
    }
  }
}
