// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Answers go on, and swapping takes no time, while virtual threads that were turned away keep all
 * carriers busy: what runs the batches waits for nobody whom a carrier has left.
 */
@Timeout(300)
class BatchingLivenessTest {
  @Test
  void virtualThreadsThatSpinStopNothing() {
    assumeTrue(Runtime.version().feature() >= 21, "virtual threads need Java 21");
    assertEquals(
        "no pause",
        ChildJvm.run(
                Spinning.class, List.of("-Xmx128m", "-Djdk.virtualThreadScheduler.parallelism=2"))
            .lastLine());
  }

  /** Lets virtual threads ask three predictors, again at once where too many wait. */
  static final class Spinning {
    private static final int THREADS = 64;
    private static final int PREDICTORS = 3;
    private static final long SECONDS = 15;

    /** What stands still does so for ever; a batch of microseconds may be kept from the CPUs. */
    private static final long MOST_SECONDS = 100;

    private static final AtomicLongArray ANSWERS = new AtomicLongArray(PREDICTORS);
    private static volatile boolean isOver;

    public static void main(String[] arguments) throws Exception {
      BatchingOptions options =
          BatchingOptions.defaults()
              .maxBatchSize(4)
              .queueCapacity(4)
              .maxWait(Duration.ZERO)
              .timeout(Duration.ofMinutes(1));
      List<BatchingPredictor> all = new ArrayList<>();
      try (Network network = Dots.labeller(1);
          Predictor predictor = network.predictor()) {
        for (int i = 0; i < PREDICTORS; i++) {
          all.add(BatchingPredictor.of(predictor, options));
        }
        CountDownLatch ended = new CountDownLatch(THREADS);
        Method start = Thread.class.getMethod("startVirtualThread", Runnable.class);
        for (int t = 0; t < THREADS; t++) {
          int first = t;
          start.invoke(null, (Runnable) () -> ask(all, first, ended));
        }
        String pause = watch(all, predictor);
        isOver = true;
        if (pause.isEmpty()) {
          ended.await();
          all.forEach(BatchingPredictor::close);
        }
        System.out.println(pause.isEmpty() ? "no pause" : pause);
        System.out.flush();
        Runtime.getRuntime().halt(0); // what stands still would not let it end
      }
    }

    private static void ask(List<BatchingPredictor> all, int first, CountDownLatch ended) {
      float[] input = new float[64];
      for (int k = first; !isOver; k++) {
        while (!isOver) {
          try {
            BatchingPredictor batching = all.get(k % PREDICTORS);
            if (first % 2 == 0) {
              batching.predict(input);
            } else {
              batching.submit(input).join();
            }
            ANSWERS.incrementAndGet(k % PREDICTORS);
            break;
          } catch (OverloadedException full) {
            Thread.yield();
          }
        }
      }
      ended.countDown();
    }

    /** Returns what took too long, empty if nothing did. */
    private static String watch(List<BatchingPredictor> all, Predictor predictor)
        throws InterruptedException {
      long[] counts = new long[PREDICTORS];
      long[] since = new long[PREDICTORS];
      long start = System.nanoTime();
      Arrays.fill(since, start);
      Thread swapping = null;
      long swapStart = start;
      // To the end of the time, and until all have gone on after it.
      while (Arrays.stream(since).min().orElseThrow() - start < TimeUnit.SECONDS.toNanos(SECONDS)) {
        Thread.sleep(50);
        long now = System.nanoTime();
        for (int i = 0; i < PREDICTORS; i++) {
          if (ANSWERS.get(i) != counts[i]) {
            counts[i] = ANSWERS.get(i);
            since[i] = now;
          } else if (now - since[i] > TimeUnit.SECONDS.toNanos(MOST_SECONDS)) {
            return "predictor " + i + " stood still after " + counts[i] + " answers";
          }
        }
        if (swapping == null || !swapping.isAlive()) {
          swapStart = now;
          swapping = new Thread(() -> all.forEach(batching -> batching.swap(predictor)));
          swapping.setDaemon(true);
          swapping.start();
        } else if (now - swapStart > TimeUnit.SECONDS.toNanos(MOST_SECONDS)) {
          return "swapping stood still after " + counts[0] + " answers";
        }
      }
      return "";
    }
  }
}
