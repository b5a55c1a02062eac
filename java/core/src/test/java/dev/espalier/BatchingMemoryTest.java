// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A heap that others filled up, for a while, ends no thread that requests wait for. */
@Timeout(600)
class BatchingMemoryTest {
  @Test
  void theWorkerOutlivesAFullHeap() {
    assertEquals(
        "ended; answered afterwards",
        ChildJvm.run(FullHeap.class, List.of("-Xmx32m", "-XX:+UseSerialGC")).lastLine());
  }

  /**
   * Fills the heap on the worker itself, which then finds no memory, neither to answer nor to wait.
   */
  static final class FullHeap {
    private static final int SIZE = 64;

    private static volatile Object hoard;

    // Not latches: to wait for one takes memory.
    private static volatile boolean mayFill;
    private static volatile boolean isFull;

    public static void main(String[] arguments) throws Exception {
      Thread.sleep(1); // so that its classes are there before the heap is full
      BatchingOptions options =
          BatchingOptions.defaults()
              .maxBatchSize(2)
              .maxWait(Duration.ofMinutes(1)) // two are a batch, which goes at once
              .timeout(Duration.ofMinutes(10));
      try (Network network = Dots.labeller(1);
          Predictor predictor = network.predictor();
          BatchingPredictor batching = BatchingPredictor.of(predictor, options)) {
        // Both in one batch, and the first one's dependent runs before the second one's answer.
        batching
            .submit(new float[SIZE])
            .thenRun(
                () -> {
                  while (!mayFill) {
                    Thread.onSpinWait();
                  }
                  hoard = everything();
                  isFull = true;
                });
        CompletableFuture<float[]> second = batching.submit(new float[SIZE]);
        mayFill = true;
        while (!isFull) {
          Thread.onSpinWait();
        }
        Thread.sleep(500); // the worker tries to go on meanwhile
        hoard = null;
        // With an answer, where the worker found memory again in time, or with a reason.
        second.handle((answer, error) -> true).join();
        for (int i = 0; i < 2; i++) {
          CompletableFuture<float[]> other = batching.submit(new float[SIZE]);
          batching.predict(new float[SIZE]);
          other.join();
        }
        System.out.println("ended; answered afterwards");
      }
    }

    /** Takes the heap to the last word. */
    private static Object everything() {
      Object[] last = null;
      for (int length = 1 << 20; length > 0; length /= 2) {
        try {
          while (true) {
            Object[] next = new Object[length];
            next[0] = last;
            last = next;
          }
        } catch (OutOfMemoryError full) {
          continue;
        }
      }
      return last;
    }
  }
}
