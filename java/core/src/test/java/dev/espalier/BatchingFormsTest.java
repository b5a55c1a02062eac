// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Pixels, several examples at once, names: each form has the bits that the predictor gives. */
@Timeout(120)
class BatchingFormsTest {
  private static final int SIZE = 64;
  private static final int OUTPUTS = 6;
  private static final int MOST = 8;

  private final byte[] pixels = new byte[SIZE * MOST];
  private final float[] inputs = new float[SIZE * MOST];
  private Network network;
  private Predictor predictor;
  private BatchingPredictor batching;

  @BeforeEach
  void start() {
    network = Dots.rich(4);
    predictor = network.predictor(PredictorOptions.defaults().pixels(0.003f, -0.1f));
    batching = BatchingPredictor.of(predictor, options());
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i * 37);
      inputs[i] = i % 23 / 22f;
    }
  }

  @AfterEach
  void close() {
    batching.close();
    predictor.close();
    network.close();
  }

  private static BatchingOptions options() {
    return BatchingOptions.defaults()
        .maxBatchSize(MOST)
        .queueCapacity(3 * MOST)
        .timeout(Duration.ofMinutes(5)); // longer than any test
  }

  private static float[] some(float[] values, int from, int count, int width) {
    return Arrays.copyOfRange(values, from * width, (from + count) * width);
  }

  @Test
  void severalExamplesStayTogether() throws InterruptedException {
    float[] expected = predictor.predict(inputs);
    CountDownLatch release = BusyWorker.of(batching, SIZE);
    List<CompletableFuture<float[]>> futures = new ArrayList<>();
    int[] counts = {5, 2, 3, 8, 1}; // batches of 5 + 2, of 3, of 8 and of 1
    for (int count : counts) {
      futures.add(batching.submit(some(inputs, MOST - count, count, SIZE)));
    }
    assertEquals(19, batching.statistics().waiting());
    long before = batching.statistics().batches();
    release.countDown();
    for (int k = 0; k < counts.length; k++) {
      assertArrayEquals(
          Dots.bits(some(expected, MOST - counts[k], counts[k], OUTPUTS)),
          Dots.bits(futures.get(k).join()),
          counts[k] + " examples");
    }
    assertEquals(4, batching.statistics().batches() - before);
    assertArrayEquals(Dots.bits(expected), Dots.bits(batching.predict(inputs)));
    assertEquals(0, batching.statistics().waiting());
  }

  @Test
  void pixelsHaveTheBitsOfThePredictor() {
    float[] expected = predictor.predictPixels(pixels);
    assertArrayEquals(Dots.bits(expected), Dots.bits(batching.predictPixels(pixels)));
    byte[] changing = pixels.clone();
    CompletableFuture<float[]> future = batching.submitPixels(changing);
    Arrays.fill(changing, (byte) 0);
    assertArrayEquals(Dots.bits(expected), Dots.bits(future.join()));
    byte[] last = Arrays.copyOfRange(pixels, 7 * SIZE, 8 * SIZE);
    assertArrayEquals(
        Dots.bits(some(expected, 7, 1, OUTPUTS)),
        Dots.bits(batching.predictPixels(last, Duration.ofMinutes(5))));
    assertEquals(predictor.predictNamed(last).toString(), batching.predictNamed(last).toString());
    assertEquals(
        predictor.predictNamed(some(inputs, 3, 1, SIZE)).toString(),
        batching.predictNamed(some(inputs, 3, 1, SIZE)).toString());
  }

  @Test
  void pixelsMeanWhatTheyMeanToThePredictorThatAnswers() throws InterruptedException {
    try (Predictor next = network.predictor(PredictorOptions.defaults().pixels(0.01f, 0.5f))) {
      CountDownLatch release = BusyWorker.of(batching, SIZE);
      CompletableFuture<float[]> waiting = batching.submitPixels(pixels);
      batching.swap(next);
      release.countDown();
      assertArrayEquals(Dots.bits(next.predictPixels(pixels)), Dots.bits(waiting.join()));
    }
    batching.swap(predictor);
  }

  @Test
  void refusesWhatFitsNoBatch() throws InterruptedException {
    String tooMany =
        assertThrows(
                IllegalArgumentException.class,
                () -> batching.predict(new float[(MOST + 1) * SIZE]))
            .getMessage();
    assertTrue(tooMany.contains("at most 8 examples, got 9"), tooMany);
    assertThrows(ShapeException.class, () -> batching.predict(new float[0]));
    assertThrows(ShapeException.class, () -> batching.predictPixels(new byte[SIZE + 1]));
    assertThrows(ShapeException.class, () -> batching.submitPixels(new byte[0]));
    assertThrows(ShapeException.class, () -> batching.predictNamed(new float[2 * SIZE]));
    assertThrows(ShapeException.class, () -> batching.predictNamed(new byte[2 * SIZE]));
    CountDownLatch release = BusyWorker.of(batching, SIZE);
    for (int i = 0; i < 3; i++) {
      batching.submit(some(inputs, 0, 7, SIZE));
    }
    CompletableFuture<float[]> three = batching.submitPixels(Arrays.copyOf(pixels, 3 * SIZE));
    String full =
        assertThrows(OverloadedException.class, () -> batching.submit(new float[SIZE]))
            .getMessage();
    assertTrue(full.contains("at most 24 waiting examples, got 25"), full);
    // Whoever gives up gives all places back, but no more than that.
    assertTrue(three.cancel(true));
    assertThrows(OverloadedException.class, () -> batching.submit(new float[4 * SIZE]));
    batching.submit(new float[3 * SIZE]);
    release.countDown();
    batching.close();
    assertEquals(0, batching.statistics().waiting());
    assertEquals(1, batching.statistics().givenUp());
    assertEquals(2, batching.statistics().shed());
  }

  /** Requests given up behind a long batch are let go of, although the worker never sees them. */
  @Test
  void whatIsGivenUpTakesNoPlace() throws InterruptedException {
    CountDownLatch release = BusyWorker.of(batching, SIZE);
    for (int round = 0; round < 100 * MOST; round++) {
      assertTrue(batching.submit(new float[MOST * SIZE]).cancel(true));
    }
    assertEquals(0, batching.statistics().waiting());
    CompletableFuture<float[]> last = batching.submit(inputs);
    release.countDown();
    assertArrayEquals(Dots.bits(predictor.predict(inputs)), Dots.bits(last.join()));
    assertEquals(100 * MOST, batching.statistics().givenUp());
  }
}
