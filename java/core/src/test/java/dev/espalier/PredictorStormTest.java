// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many calls from many threads. */
@Timeout(300)
class PredictorStormTest {
  private static final int INPUT = 24;
  private static final int OUTPUT = 3;

  private static Network network() {
    return Network.builder(Shape.vector(INPUT))
        .dense(16)
        .relu()
        .head("x", Head.labels("a", "b", "c"))
        .build(1);
  }

  private static FloatBuffer direct(int size) {
    return ByteBuffer.allocateDirect(4 * size).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  @Test
  void aMillionAnswersFromEightThreadsAreEachTheirOwn() throws InterruptedException {
    int threads = 8;
    int inputs = 1000;
    int rounds = 125;
    try (Network network = network();
        Predictor predictor = network.predictor(PredictorOptions.defaults().weightCopies(3))) {
      AtomicReference<Throwable> failure = new AtomicReference<>();
      List<Thread> callers = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        // Inputs of this thread alone, and their answers while nobody else predicts.
        SplittableRandom random = new SplittableRandom(t);
        FloatBuffer input = direct(INPUT * inputs);
        FloatBuffer output = direct(OUTPUT);
        int[] expected = new int[OUTPUT * inputs];
        for (int i = 0; i < INPUT * inputs; i++) {
          input.put(i, (float) random.nextDouble());
        }
        for (int i = 0; i < inputs; i++) {
          predictor.predict(input.position(INPUT * i).limit(INPUT * (i + 1)), output);
          input.clear();
          for (int k = 0; k < OUTPUT; k++) {
            expected[OUTPUT * i + k] = Float.floatToRawIntBits(output.get(k));
          }
        }
        callers.add(
            new Thread(
                () -> {
                  for (int call = 0; call < inputs * rounds && failure.get() == null; call++) {
                    int i = call % inputs;
                    try {
                      predictor.predict(input.position(INPUT * i).limit(INPUT * (i + 1)), output);
                      for (int k = 0; k < OUTPUT; k++) {
                        assertEquals(
                            expected[OUTPUT * i + k], Float.floatToRawIntBits(output.get(k)));
                      }
                      input.clear();
                    } catch (Throwable error) {
                      failure.set(error);
                    }
                  }
                }));
      }
      callers.forEach(Thread::start);
      for (Thread caller : callers) {
        caller.join();
      }
      assertNull(failure.get(), () -> String.valueOf(failure.get()));
      assertEquals((long) threads * inputs * (rounds + 1), predictor.statistics().calls());
    }
  }
}
