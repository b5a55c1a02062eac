// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class CloseStormTest {
  private static final int CLOSES = 100_000;
  private static final int MANY = 1000;
  private static final int SOME = 100;
  private static final int SLOTS = 4;
  private static final int INPUTS = 16;

  private volatile boolean isOver;

  private static Network network(int seed) {
    return Network.builder(Shape.vector(5)).dense(6).relu().head("x", Head.labels("a")).build(seed);
  }

  @Test
  void closingWhileOthersPredictSwapsNothing() throws InterruptedException {
    long handles = Espalier.liveHandles();
    Network[] networks = new Network[SLOTS];
    float[][] inputs = new float[INPUTS][5];
    int[][] expected = new int[SLOTS][INPUTS];
    SplittableRandom random = new SplittableRandom(1);
    for (float[] input : inputs) {
      for (int i = 0; i < 5; i++) {
        input[i] = (float) random.nextDouble();
      }
    }
    for (int slot = 0; slot < SLOTS; slot++) {
      networks[slot] = network(slot);
      try (Predictor predictor = networks[slot].predictor()) {
        for (int i = 0; i < INPUTS; i++) {
          expected[slot][i] = Float.floatToRawIntBits(predictor.predict(inputs[i])[0]);
        }
      }
    }
    AtomicReferenceArray<Predictor> predictors = new AtomicReferenceArray<>(SLOTS);
    for (int slot = 0; slot < SLOTS; slot++) {
      predictors.set(slot, networks[slot].predictor(PredictorOptions.defaults().maxBatchSize(2)));
    }
    AtomicReference<Throwable> failure = new AtomicReference<>();
    AtomicLong answers = new AtomicLong();
    AtomicLong refusals = new AtomicLong();
    Thread[] predicting = new Thread[3];
    for (int t = 0; t < predicting.length; t++) {
      SplittableRandom choice = new SplittableRandom(t);
      boolean isDirect = t > 0;
      predicting[t] =
          new Thread(
              () -> {
                FloatBuffer in = direct(5);
                FloatBuffer out = direct(1);
                while (failure.get() == null && !isOver) {
                  int slot = choice.nextInt(SLOTS);
                  int i = choice.nextInt(INPUTS);
                  try {
                    float answer;
                    if (isDirect) {
                      in.put(0, inputs[i]);
                      predictors.get(slot).predict(in, out);
                      answer = out.get(0);
                    } else {
                      answer = predictors.get(slot).predict(inputs[i])[0];
                    }
                    assertEquals(expected[slot][i], Float.floatToRawIntBits(answer));
                    answers.incrementAndGet();
                  } catch (IllegalStateException closed) {
                    refusals.incrementAndGet();
                  } catch (Throwable error) {
                    failure.set(error);
                  }
                }
              });
      predicting[t].start();
    }
    // On one CPU it may take long until a call meets a closing.
    for (int close = 0;
        failure.get() == null
            && (close < CLOSES || answers.get() <= MANY || refusals.get() <= SOME);
        close++) {
      int slot = close % SLOTS;
      Predictor next = networks[slot].predictor(PredictorOptions.defaults().maxBatchSize(2));
      Predictor former = predictors.get(slot);
      // Every other one is closed while it can still be found, so that calls meet the closing.
      if (close % 2 == 0) {
        former.close();
      }
      predictors.set(slot, next);
      former.close();
    }
    isOver = true;
    for (Thread thread : predicting) {
      thread.join();
    }
    assertNull(failure.get(), () -> String.valueOf(failure.get()));
    for (int slot = 0; slot < SLOTS; slot++) {
      predictors.get(slot).close();
      networks[slot].close();
    }
    assertEquals(handles, Espalier.liveHandles());
  }

  private static FloatBuffer direct(int size) {
    return ByteBuffer.allocateDirect(4 * size).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  @Test
  void closingFromManyThreadsFreesOnce() throws InterruptedException {
    long handles = Espalier.liveHandles();
    long bytes = Espalier.nativeBytes();
    for (int round = 0; round < 200; round++) {
      Network network = network(round);
      Predictor predictor = network.predictor();
      List<Thread> threads = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        threads.add(
            new Thread(
                () -> {
                  predictor.close();
                  network.close();
                }));
      }
      threads.forEach(Thread::start);
      for (Thread thread : threads) {
        thread.join();
      }
    }
    assertEquals(handles, Espalier.liveHandles());
    assertEquals(bytes, Espalier.nativeBytes());
  }

  @Test
  void theCollectorFreesWhatNobodyClosed() throws InterruptedException {
    long handles = Espalier.liveHandles();
    for (int i = 0; i < 500; i++) {
      Network forgotten = network(i);
      Predictor predictor = forgotten.predictor(PredictorOptions.defaults().maxBatchSize(2));
      assertEquals(1, predictor.predict(new float[5]).length);
    }
    Cleaning.awaitHandles(handles);
    assertEquals(handles, Espalier.liveHandles());
  }

  @Test
  void anObjectLivesAsLongAsItsCalls() throws InterruptedException {
    long handles = Espalier.liveHandles();
    Dots dots = new Dots(8, 1);
    float[] expected = null;
    for (int i = 0; i < 300; i++) {
      if (i % 50 == 0) {
        System.gc();
      }
      float[] answers =
          Dots.labeller(1)
              .predictor(PredictorOptions.defaults().maxBatchSize(8))
              .predict(dots.pictures);
      expected = expected == null ? answers : expected;
      assertArrayEquals(expected, answers);
    }
    Cleaning.awaitHandles(handles);
    assertEquals(handles, Espalier.liveHandles());
  }
}
