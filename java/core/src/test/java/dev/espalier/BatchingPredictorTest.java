// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class BatchingPredictorTest {
  private static final int EXAMPLES = 40;
  private static final BatchingOptions OPTIONS =
      BatchingOptions.defaults()
          .maxBatchSize(8)
          .maxWait(Duration.ofMillis(1))
          .timeout(Duration.ofMinutes(5)); // longer than any test

  private final Dots dots = new Dots(EXAMPLES, 5);
  private final float[][] inputs = new float[EXAMPLES][];
  private final float[][] expected = new float[EXAMPLES][];
  private Network network;
  private Predictor predictor;

  @BeforeEach
  void predictOneByOne() {
    network = Dots.rich(4);
    predictor = network.predictor();
    for (int i = 0; i < EXAMPLES; i++) {
      inputs[i] = Datasets.input(dots.both(), i);
      expected[i] = predictor.predict(inputs[i]);
    }
  }

  @AfterEach
  void close() {
    predictor.close();
    network.close();
  }

  private void assertAnswer(int i, float[] answer) {
    assertArrayEquals(Dots.bits(expected[i]), Dots.bits(answer));
  }

  /** Runs {@code work} for each number on threads of its own and rethrows what went wrong. */
  private static void onThreads(int count, IntConsumer work) throws InterruptedException {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < count; t++) {
      int number = t;
      threads.add(
          new Thread(
              () -> {
                try {
                  work.accept(number);
                } catch (Throwable error) {
                  failure.set(error);
                }
              }));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertNull(failure.get(), () -> String.valueOf(failure.get()));
  }

  @Test
  void answersHaveTheBitsOfSingleCalls() throws InterruptedException {
    try (BatchingPredictor batching = BatchingPredictor.of(predictor, OPTIONS)) {
      CountDownLatch release = BusyWorker.of(batching, inputs[0].length);
      final long before = batching.statistics().answered();
      onThreads(
          8,
          t -> {
            while (t == 0 && batching.statistics().waiting() < 7) {
              Thread.onSpinWait(); // for the others, whose first requests become one batch
            }
            release.countDown();
            for (int k = 0; k < 500; k++) {
              int i = (k * 7 + t) % EXAMPLES;
              assertAnswer(i, batching.predict(inputs[i]));
            }
          });
      BatchingStatistics statistics = batching.statistics();
      assertEquals(4000, statistics.answered() - before);
      assertEquals(statistics.answered(), statistics.accepted());
      assertTrue(statistics.batches() < statistics.answered(), statistics::toString);
    }
  }

  @Test
  void futuresHaveThemToo() {
    try (BatchingPredictor batching = BatchingPredictor.of(predictor, OPTIONS)) {
      List<CompletableFuture<float[]>> futures = new ArrayList<>();
      for (float[] input : inputs) {
        float[] changing = input.clone();
        futures.add(batching.submit(changing));
        changing[3] = Float.NaN;
      }
      for (int i = 0; i < EXAMPLES; i++) {
        assertAnswer(i, futures.get(i).join());
      }
    }
  }

  @Test
  void shedsWhatDoesNotFit() throws InterruptedException {
    BatchingOptions options = OPTIONS.queueCapacity(3);
    try (BatchingPredictor batching = BatchingPredictor.of(predictor, options)) {
      CountDownLatch release = BusyWorker.of(batching, inputs[0].length);
      List<CompletableFuture<float[]>> futures = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        futures.add(batching.submit(inputs[i]));
      }
      assertEquals(3, batching.statistics().waiting());
      String message =
          assertThrows(OverloadedException.class, () -> batching.predict(inputs[4])).getMessage();
      assertTrue(message.contains("at most 3"), message);
      // One that is given up makes room.
      assertTrue(futures.get(1).cancel(true));
      CompletableFuture<float[]> late = batching.submit(inputs[5]);
      release.countDown();
      assertAnswer(0, futures.get(0).join());
      assertAnswer(2, futures.get(2).join());
      assertAnswer(5, late.join());
      assertThrows(CancellationException.class, () -> futures.get(1).join());
      assertEquals(1, batching.statistics().shed());
      assertEquals(1, batching.statistics().givenUp());
    }
  }

  @Test
  void timesOut() throws InterruptedException {
    BatchingOptions options = OPTIONS.timeout(Duration.ofMillis(30));
    try (BatchingPredictor batching = BatchingPredictor.of(predictor, options)) {
      CountDownLatch release = BusyWorker.of(batching, inputs[0].length);
      final long before = batching.statistics().givenUp();
      assertThrows(PredictionTimeoutException.class, () -> batching.predict(inputs[1]));
      assertThrows(
          PredictionTimeoutException.class,
          () -> batching.predict(inputs[1], Duration.ofMillis(5)));
      CompletableFuture<float[]> future = batching.submit(inputs[1]);
      assertInstanceOf(
          PredictionTimeoutException.class,
          assertThrows(CompletionException.class, future::join).getCause());
      release.countDown();
      assertAnswer(2, batching.predict(inputs[2], Duration.ofMinutes(5)));
      assertEquals(3, batching.statistics().givenUp() - before);
    }
  }

  @Test
  void countersNeverFallWhileRequestsAreCancelled() throws InterruptedException {
    BatchingPredictor batching = BatchingPredictor.of(predictor, OPTIONS.maxWait(Duration.ZERO));
    List<Instrument> instruments = batching.instruments();
    try (batching) {
      List<Instrument> counters =
          instruments.stream().filter(m -> m.kind() == Instrument.Kind.COUNTER).toList();
      assertEquals(6, counters.size());
      double[] before = new double[counters.size()];
      onThreads(
          5,
          t -> {
            for (int k = 0; k < 2000; k++) {
              if (t < 4) {
                CompletableFuture<float[]> future = batching.submit(inputs[k % EXAMPLES]);
                Thread.onSpinWait();
                boolean isCancelled = k % 2 == 0 && future.cancel(true);
                assertEquals(isCancelled, future.isCancelled());
                if (!isCancelled) {
                  assertAnswer(k % EXAMPLES, future.join());
                }
              } else {
                for (int i = 0; i < before.length; i++) {
                  double value = counters.get(i).value();
                  assertTrue(value >= before[i], counters.get(i).name());
                  before[i] = value;
                }
              }
            }
          });
    }
    BatchingStatistics end = batching.statistics();
    assertEquals(8000, end.accepted());
    assertEquals(8000, end.answered() + end.givenUp());
    assertEquals("espalier.batching.answered", instruments.get(2).name());
    assertEquals(end.answered(), instruments.get(2).value());
  }

  /** With time-outs about as long as an answer takes: who is told of one got no answer counted. */
  @Test
  void whatIsCountedAsAnsweredWasAnswered() throws InterruptedException {
    int calls = 20_000; // fewer on a slow computer, but some of both
    long start = System.nanoTime();
    AtomicInteger answers = new AtomicInteger();
    AtomicInteger late = new AtomicInteger();
    BatchingOptions options = OPTIONS.maxWait(Duration.ZERO);
    BatchingPredictor batching = BatchingPredictor.of(predictor, options);
    try (batching) {
      onThreads(
          4,
          t -> {
            long nanos = 1000;
            for (int k = 0; k < calls; k++) {
              if (System.nanoTime() - start > TimeUnit.SECONDS.toNanos(10)
                  && answers.get() > 100
                  && late.get() > 100) {
                return;
              }
              try {
                assertAnswer(
                    k % EXAMPLES, batching.predict(inputs[k % EXAMPLES], Duration.ofNanos(nanos)));
                answers.incrementAndGet();
                nanos -= nanos / 8;
              } catch (PredictionTimeoutException timeout) {
                late.incrementAndGet();
                nanos += nanos / 8 + 8;
              }
            }
          });
    }
    BatchingStatistics end = batching.statistics();
    assertTrue(answers.get() > 100 && late.get() > 100, answers + " answers, " + late + " late");
    assertEquals(answers.get(), end.answered());
    assertEquals(late.get(), end.givenUp());
  }

  @Test
  void isInterruptible() throws InterruptedException {
    try (BatchingPredictor batching = BatchingPredictor.of(predictor, OPTIONS)) {
      CountDownLatch release = BusyWorker.of(batching, inputs[0].length);
      AtomicReference<Throwable> error = new AtomicReference<>();
      AtomicInteger wasInterrupted = new AtomicInteger();
      Thread waiting =
          new Thread(
              () -> {
                try {
                  batching.predict(inputs[1]);
                } catch (CancellationException cancelled) {
                  error.set(cancelled);
                  wasInterrupted.set(Thread.currentThread().isInterrupted() ? 1 : 0);
                }
              });
      waiting.start();
      while (batching.statistics().waiting() == 0) {
        Thread.sleep(1);
      }
      waiting.interrupt();
      waiting.join();
      release.countDown();
      assertInstanceOf(CancellationException.class, error.get());
      assertEquals(1, wasInterrupted.get());
    }
  }

  @Test
  void closingAnswersThoseThatWait() throws InterruptedException {
    BatchingPredictor batching = BatchingPredictor.of(predictor, OPTIONS);
    CountDownLatch release = BusyWorker.of(batching, inputs[0].length);
    List<CompletableFuture<float[]>> futures = new ArrayList<>();
    for (float[] input : inputs) {
      futures.add(batching.submit(input));
    }
    Thread closing = new Thread(batching::close);
    closing.start();
    while (!batching.toString().endsWith("closed]")) {
      Thread.sleep(1);
    }
    assertThrows(IllegalStateException.class, () -> batching.submit(inputs[0]));
    release.countDown();
    closing.join();
    for (int i = 0; i < EXAMPLES; i++) {
      assertTrue(futures.get(i).isDone());
      assertAnswer(i, futures.get(i).join());
    }
    batching.close();
    assertThrows(IllegalStateException.class, () -> batching.predict(inputs[0]));
    assertThrows(IllegalStateException.class, () -> batching.swap(predictor));
  }

  @Test
  void swappingUnderLoadLosesNothing() throws InterruptedException {
    long handles = Espalier.liveHandles();
    try (BatchingPredictor batching = BatchingPredictor.of(network.predictor(), OPTIONS)) {
      AtomicInteger running = new AtomicInteger(4);
      Thread swapping =
          new Thread(
              () -> {
                while (running.get() > 0) {
                  batching
                      .swap(network.predictor(PredictorOptions.defaults().maxBatchSize(8)))
                      .close();
                }
              });
      swapping.start();
      onThreads(
          4,
          t -> {
            try {
              for (int k = 0; k < 1000; k++) {
                int i = (k * 3 + t) % EXAMPLES;
                assertAnswer(i, batching.predict(inputs[i]));
              }
            } finally {
              running.decrementAndGet();
            }
          });
      swapping.join();
      assertEquals(4000, batching.statistics().answered());
      Predictor last = batching.swap(predictor);
      last.close();
      assertSame(predictor, batching.swap(predictor));
    }
    assertEquals(handles, Espalier.liveHandles());
  }

  /** A request that waits while predictors are swapped gets bits and thresholds of one. */
  @Test
  void namesAreThoseOfThePredictorThatAnswered() throws InterruptedException {
    try (Network next = network.copy().setThresholds("side", 0, 0);
        Predictor nextPredictor = next.predictor();
        BatchingPredictor batching = BatchingPredictor.of(predictor, OPTIONS)) {
      network.setThresholds("side", 1, 1);
      try (Predictor strict = network.predictor()) {
        batching.swap(strict);
        CountDownLatch release = BusyWorker.of(batching, inputs[0].length);
        AtomicReference<Prediction> answer = new AtomicReference<>();
        Thread waiting = new Thread(() -> answer.set(batching.predictNamed(inputs[1])));
        waiting.start();
        while (batching.statistics().waiting() == 0) {
          Thread.sleep(1);
        }
        batching.swap(nextPredictor);
        release.countDown();
        waiting.join();
        assertEquals(List.of("low", "right"), answer.get().labels("side"));
      }
    }
  }

  @Test
  void refusesOtherShapesTasksAndClosedPredictors() {
    try (BatchingPredictor batching = BatchingPredictor.of(predictor, OPTIONS);
        Network other = Dots.labeller(1);
        Predictor otherPredictor = other.predictor();
        Predictor logits = network.predictor(PredictorOptions.defaults().logits())) {
      assertThrows(IllegalArgumentException.class, () -> batching.swap(otherPredictor));
      String message =
          assertThrows(IllegalArgumentException.class, () -> batching.swap(logits)).getMessage();
      assertTrue(message.contains("of probabilities, got one of logits"), message);
      assertAnswer(3, batching.predict(inputs[3]));
      assertThrows(ShapeException.class, () -> batching.predict(new float[63]));
      predictor.close();
      assertThrows(IllegalStateException.class, () -> batching.swap(predictor));
      assertThrows(IllegalStateException.class, () -> batching.predict(inputs[0]));
      assertEquals(1, batching.statistics().failed());
      assertThrows(IllegalStateException.class, () -> BatchingPredictor.of(predictor, OPTIONS));
    }
  }

  @Test
  void virtualThreadsGetTheirAnswers() throws ReflectiveOperationException, InterruptedException {
    assumeTrue(Runtime.version().feature() >= 21, "virtual threads need Java 21");
    Method start = Thread.class.getMethod("startVirtualThread", Runnable.class);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    try (BatchingPredictor batching = BatchingPredictor.of(predictor, OPTIONS)) {
      List<Thread> threads = new ArrayList<>();
      for (int t = 0; t < 500; t++) {
        int number = t;
        Runnable work =
            () -> {
              try {
                for (int k = 0; k < 10; k++) {
                  int i = (number + k) % EXAMPLES;
                  assertAnswer(i, batching.predict(inputs[i]));
                  assertAnswer(i, predictor.predict(inputs[i]));
                }
              } catch (Throwable error) {
                failure.set(error);
              }
            };
        threads.add((Thread) start.invoke(null, work));
      }
      for (Thread thread : threads) {
        thread.join();
      }
    }
    assertNull(failure.get(), () -> String.valueOf(failure.get()));
  }
}
