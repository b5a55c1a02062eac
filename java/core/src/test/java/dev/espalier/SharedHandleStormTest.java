// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * All that may happen to one predictor, at once: calls of every form, two closes, its last
 * reference dropped, the collector and the cleaner, and training of the network it came from. The
 * environment variable ESPALIER_STORM_SECONDS makes it long.
 */
class SharedHandleStormTest {
  private static final long STORM_NANOS =
      TimeUnit.SECONDS.toNanos(
          Long.parseLong(System.getenv().getOrDefault("ESPALIER_STORM_SECONDS", "5")));
  private static final long STUCK_MILLIS = 60_000;

  /** The storm goes on, within reason, until there were so many of everything. */
  private static final int ENOUGH = 10;

  private static final long MOST_NANOS = STORM_NANOS + TimeUnit.MINUTES.toNanos(3);
  private static final int INPUTS = 16;
  private static final int SIZE = 64;
  private static final int OUTPUTS = 6;
  private static final PredictorOptions OPTIONS =
      PredictorOptions.defaults().maxBatchSize(2).pixels(1, 0).weightCopies(2);

  /** A predictor, and its answers while nobody else had it. */
  private record Shared(Predictor predictor, int[][] expected) {}

  private final float[][] inputs = new float[INPUTS][SIZE];
  private final byte[][] pixels = new byte[INPUTS][SIZE];
  private final AtomicReference<Shared> shared = new AtomicReference<>();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final AtomicLong answers = new AtomicLong();
  private final AtomicLong refusals = new AtomicLong();
  private final AtomicLong closes = new AtomicLong();
  private final AtomicLong leftToTheCleaner = new AtomicLong();
  private final AtomicLong fits = new AtomicLong();
  private final AtomicLong collections = new AtomicLong();
  private final Dots dots = new Dots(32, 3);
  private volatile boolean isOver;

  private interface Turn {
    void run() throws Exception;
  }

  /** Takes turns until the storm is over or something went wrong. */
  private Thread repeating(String name, Turn turn) {
    return new Thread(
        () -> {
          while (!isOver && failure.get() == null) {
            try {
              turn.run();
            } catch (Throwable error) {
              failure.compareAndSet(null, error);
            }
          }
        },
        name);
  }

  private static FloatBuffer direct(int size) {
    return ByteBuffer.allocateDirect(4 * size).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  /** Calls in three forms and compares bit for bit; a closed predictor may refuse. */
  private Turn predicting(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    FloatBuffer in = direct(SIZE);
    FloatBuffer out = direct(OUTPUTS);
    return () -> {
      Shared current = shared.get();
      int i = random.nextInt(INPUTS);
      float[] answer = new float[OUTPUTS];
      try {
        switch (random.nextInt(3)) {
          case 0 -> {
            in.put(0, inputs[i]);
            current.predictor.predict(in, out);
            out.get(0, answer);
          }
          case 1 -> current.predictor.predict(inputs[i], answer);
          default -> answer = current.predictor.predictPixels(pixels[i]);
        }
      } catch (IllegalStateException closed) {
        assertTrue(closed.getMessage().endsWith("is closed"), closed.getMessage());
        refusals.incrementAndGet();
        return;
      }
      answers.incrementAndGet();
      assertArrayEquals(current.expected[i], Dots.bits(answer));
    };
  }

  /** Closes each predictor it sees, after some calls; two of these meet at the same one. */
  private Turn closing(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    AtomicReference<Shared> last = new AtomicReference<>();
    return () -> {
      Shared current = shared.get();
      if (current == last.getAndSet(current)) {
        LockSupport.parkNanos(20_000);
        return;
      }
      if (random.nextInt(4) > 0) {
        LockSupport.parkNanos(random.nextInt(200_000));
        current.predictor.close();
        current.predictor.close();
        closes.incrementAndGet();
      }
    };
  }

  /** Puts a new predictor into the place of the former one, and never closes that. */
  private Turn replacing(Network trained, Network still) {
    SplittableRandom random = new SplittableRandom(0);
    return () -> {
      LockSupport.parkNanos(random.nextInt(300_000));
      Predictor next;
      try {
        next = trained.predictor(OPTIONS);
      } catch (IllegalStateException trainsNow) {
        next = still.predictor(OPTIONS);
      }
      Shared former = shared.getAndSet(observed(next));
      if (former != null && !former.predictor.isClosed()) {
        leftToTheCleaner.incrementAndGet();
      }
    };
  }

  private Shared observed(Predictor predictor) {
    int[][] expected = new int[INPUTS][];
    for (int i = 0; i < INPUTS; i++) {
      expected[i] = Dots.bits(predictor.predict(inputs[i]));
    }
    return new Shared(predictor, expected);
  }

  /** Trains the network whose predictors the others have. */
  private Turn fitting(Network trained) {
    Trainer trainer = Trainer.of(trained).epochs(1).batchSize(4);
    return () -> {
      try {
        trainer.fit(dots.both());
        fits.incrementAndGet();
      } catch (IllegalStateException isBeingRead) {
        Thread.yield();
      }
    };
  }

  @Test
  void nothingBreaksAndNothingIsLeft() throws InterruptedException {
    long handles = Espalier.liveHandles();
    long bytes = Espalier.nativeBytes();
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < INPUTS; i++) {
      random.nextBytes(pixels[i]);
      for (int k = 0; k < SIZE; k++) {
        inputs[i][k] = pixels[i][k] & 0xff;
      }
    }
    storm();
    shared.set(null);
    Cleaning.awaitHandles(handles);
    System.out.printf(
        "storm: %s answers, %s refusals, %s closes, %s predictors for the cleaner, %s fits,"
            + " %s collections%n",
        answers, refusals, closes, leftToTheCleaner, fits, collections);
    assertEquals(handles, Espalier.liveHandles());
    assertEquals(bytes, Espalier.nativeBytes());
    assertTrue(hasEnough(), "too few of something that the storm needs");
  }

  private boolean hasEnough() {
    return List.of(answers, refusals, closes, leftToTheCleaner, fits, collections).stream()
        .allMatch(count -> count.get() > ENOUGH);
  }

  /**
   * A method of its own: from JDK 21 on a thread that is over keeps its task, the tasks of the
   * closing threads keep the last predictor they saw, and a frame keeps the threads of its locals.
   */
  private void storm() throws InterruptedException {
    try (Network trained = Dots.rich(1);
        Network still = Dots.rich(2)) {
      Turn replacing = replacing(trained, still);
      shared.set(observed(still.predictor(OPTIONS)));
      List<Thread> threads =
          List.of(
              repeating("predicting 1", predicting(1)),
              repeating("predicting 2", predicting(2)),
              repeating("predicting 3", predicting(3)),
              repeating("closing 1", closing(4)),
              repeating("closing 2", closing(5)),
              repeating("replacing", replacing),
              repeating("fitting", fitting(trained)),
              repeating(
                  "collecting",
                  () -> {
                    System.gc();
                    collections.incrementAndGet();
                    TimeUnit.MILLISECONDS.sleep(50);
                  }));
      threads.forEach(Thread::start);
      long start = System.nanoTime();
      long nanos = 0;
      while (failure.get() == null
          && (nanos < STORM_NANOS || (!hasEnough() && nanos < MOST_NANOS))) {
        TimeUnit.MILLISECONDS.sleep(20);
        nanos = System.nanoTime() - start;
      }
      isOver = true;
      for (Thread thread : threads) {
        thread.join(STUCK_MILLIS);
        assertFalse(thread.isAlive(), () -> stuck(thread));
      }
      if (failure.get() != null) {
        throw new AssertionError(failure.get());
      }
    }
  }

  private static String stuck(Thread thread) {
    List<String> lines = new ArrayList<>(List.of(thread.getName() + " does not come back from"));
    for (StackTraceElement element : thread.getStackTrace()) {
      lines.add(element.toString());
    }
    return String.join("\n  ", lines);
  }
}
