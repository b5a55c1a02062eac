// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PredictorTest {
  private static final int EXAMPLES = 37;

  private final Dots dots = new Dots(EXAMPLES, 3);
  private Network network;
  private Predictor predictor;

  @BeforeEach
  void train() {
    network = Dots.rich(1);
    Trainer.of(network).epochs(2).fit(dots.both());
    predictor = network.predictor(PredictorOptions.defaults().maxBatchSize(16));
  }

  @AfterEach
  void close() {
    predictor.close();
    network.close();
  }

  private static FloatBuffer direct(int size) {
    return ByteBuffer.allocateDirect(4 * size).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  @Test
  void givesProbabilities() {
    assertEquals(64, predictor.inputSize());
    assertEquals(6, predictor.outputSize());
    assertEquals(Dots.PICTURE, predictor.inputShape());
    float[] outputs = predictor.predict(Datasets.input(dots.both(), 0));
    assertEquals(1, outputs[0] + outputs[1] + outputs[2] + outputs[3], 1e-5);
    for (float output : outputs) {
      assertTrue(output > 0 && output < 1);
    }
    try (Predictor logits = network.predictor(PredictorOptions.defaults().logits())) {
      float[] raw = logits.predict(Datasets.input(dots.both(), 0));
      assertEquals(1 / (1 + Math.exp(-raw[4])), outputs[4], 1e-5);
    }
    assertFalse(predictor.describe().isEmpty());
    assertTrue(predictor.nativeBytes() > 0);
  }

  @Test
  void hasAsManyCopiesOfItsWeightsAsAsked() {
    PredictorOptions options = PredictorOptions.defaults();
    float[] expected = predictor.predict(dots.pictures);
    try (Predictor three = network.predictor(options.weightCopies(3));
        Predictor one = network.predictor(options.weightCopies(1))) {
      assertTrue(three.describe().contains(" in 3 copies"), three.describe());
      assertFalse(one.describe().contains("copies"), one.describe());
      assertTrue(three.nativeBytes() > one.nativeBytes());
      assertArrayEquals(Dots.bits(expected), Dots.bits(three.predict(dots.pictures)));
      assertArrayEquals(Dots.bits(expected), Dots.bits(one.predict(dots.pictures)));
    }
    assertEquals(OptionalInt.empty(), options.weightCopies());
    assertEquals(OptionalInt.of(5), options.weightCopies(5).threads(2).logits().weightCopies());
    assertThrows(IllegalArgumentException.class, () -> options.weightCopies(0));
    assertThrows(IllegalArgumentException.class, () -> options.weightCopies(257));
  }

  @Test
  void answersByName() {
    float[] outputs = predictor.predict(Datasets.input(dots.both(), 5));
    Prediction prediction = predictor.predictNamed(Datasets.input(dots.both(), 5));
    assertEquals(outputs[5], prediction.value("side", "right"));
    assertArrayEquals(Arrays.copyOf(outputs, 4), prediction.values("quarter"));
    int best = Integer.parseInt(prediction.best("quarter"));
    for (int i = 0; i < 4; i++) {
      assertTrue(outputs[best] >= outputs[i]);
    }
    assertTrue(prediction.toString().contains("right "), prediction.toString());
    assertThrows(IllegalArgumentException.class, () -> prediction.value("side", "left"));
    assertThrows(IllegalArgumentException.class, () -> prediction.values("sides"));
  }

  @Test
  void everyFormHasNames() {
    byte[] pixels = new byte[128];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i * 37);
    }
    float[] outputs = predictor.predictPixels(pixels);
    List<Prediction> predictions = predictor.named(outputs);
    assertEquals(2, predictions.size());
    assertEquals(outputs[5], predictions.get(0).value("side", "right"));
    assertEquals(outputs[11], predictions.get(1).value("side", "right"));
    Prediction second = predictor.predictNamed(Arrays.copyOfRange(pixels, 64, 128));
    assertEquals(predictions.get(1).toString(), second.toString());
    assertEquals(List.of(), predictor.named(new float[0]));
    assertThrows(ShapeException.class, () -> predictor.named(new float[5]));
    assertThrows(ShapeException.class, () -> predictor.predictNamed(new byte[63]));
  }

  @Test
  void givesTheSameBitsAloneAndAnywhereInABatch() {
    float[] all = predictor.predict(dots.pictures);
    float[][] rows = predictor.predict(dots.both());
    try (Predictor small = network.predictor(PredictorOptions.defaults().maxBatchSize(1))) {
      assertArrayEquals(Dots.bits(all), Dots.bits(small.predict(dots.pictures)));
    }
    FloatBuffer inputs = direct(64 * EXAMPLES);
    FloatBuffer outputs = direct(6 * EXAMPLES + 5);
    inputs.put(0, dots.pictures);
    predictor.predict(inputs, outputs.position(5));
    assertEquals(5, outputs.position());
    assertEquals(0, inputs.position());
    for (int i = 0; i < EXAMPLES; i++) {
      float[] alone = predictor.predict(Datasets.input(dots.both(), i));
      float[] into = new float[6];
      predictor.predict(Datasets.input(dots.both(), i), into);
      float[] buffered = new float[6];
      outputs.get(5 + 6 * i, buffered);
      int[] expected = Dots.bits(Arrays.copyOfRange(all, 6 * i, 6 * i + 6));
      assertArrayEquals(expected, Dots.bits(alone));
      assertArrayEquals(expected, Dots.bits(into));
      assertArrayEquals(expected, Dots.bits(buffered));
      assertArrayEquals(expected, Dots.bits(rows[i]));
    }
  }

  @Test
  void touchesNothingOutsideItsOutputs() {
    FloatBuffer inputs = direct(2 * 64 + 3).position(3);
    FloatBuffer outputs = direct(40);
    for (int i = 0; i < 40; i++) {
      outputs.put(i, -7);
    }
    predictor.predict(inputs, outputs.position(10));
    for (int i = 0; i < 40; i++) {
      assertEquals(i < 10 || i >= 22, outputs.get(i) == -7, "at " + i);
    }
  }

  @Test
  void allocatesNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    FloatBuffer inputs = direct(64);
    ByteBuffer pixels = ByteBuffer.allocateDirect(64);
    FloatBuffer outputs = direct(6);
    // Other work of the virtual machine may be charged to one round, but not to each.
    long allocated = Long.MAX_VALUE;
    for (int round = 0; round < 8; round++) {
      long before = threads.getThreadAllocatedBytes(thread);
      for (int i = 0; i < 10_000; i++) {
        predictor.predict(inputs, outputs);
        predictor.predictPixels(pixels, outputs);
      }
      allocated = Math.min(allocated, threads.getThreadAllocatedBytes(thread) - before);
    }
    assertEquals(0, allocated, "bytes in 10,000 calls");
  }

  @Test
  void answersPixelsWithTheBitsOfTheirFloats() {
    PredictorOptions options = PredictorOptions.defaults().maxBatchSize(2).pixels(0.003f, -0.1f);
    byte[] pixels = new byte[5 * 64];
    float[] inputs = new float[pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i * 7);
      inputs[i] = (pixels[i] & 0xff) * 0.003f + -0.1f;
    }
    try (Predictor scaled = network.predictor(options)) {
      float[] expected = scaled.predict(inputs);
      assertArrayEquals(Dots.bits(expected), Dots.bits(scaled.predictPixels(pixels)));
      ByteBuffer direct = ByteBuffer.allocateDirect(pixels.length + 3).put(3, pixels).position(3);
      FloatBuffer outputs = direct(6 * 5);
      scaled.predictPixels(direct, outputs);
      float[] got = new float[6 * 5];
      outputs.get(0, got);
      assertArrayEquals(Dots.bits(expected), Dots.bits(got));
      assertThrows(ShapeException.class, () -> scaled.predictPixels(new byte[63]));
      assertThrows(
          IllegalArgumentException.class,
          () -> scaled.predictPixels(ByteBuffer.allocate(64), outputs));
    }
  }

  @Test
  void answersSomeHeadsAlone() {
    float[] all = predictor.predict(Datasets.input(dots.both(), 3));
    try (Predictor side = network.predictor(PredictorOptions.defaults().heads("side"))) {
      assertEquals(2, side.outputSize());
      assertEquals("side", side.tasks().get(0).name());
      assertArrayEquals(
          Dots.bits(Arrays.copyOfRange(all, 4, 6)),
          Dots.bits(side.predict(Datasets.input(dots.both(), 3))));
    }
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> network.predictor(PredictorOptions.defaults().heads("sides")))
            .getMessage();
    assertTrue(message.contains("did you mean 'side'"), message);
  }

  @Test
  void namesLabelsAboveTheirThresholds() {
    Prediction prediction = predictor.predictNamed(Datasets.input(dots.both(), 5));
    float low = prediction.value("side", "low");
    assertTrue(prediction.labels("side", low).contains("low"));
    assertEquals(List.of(), prediction.labels("side", 1.1));
    assertEquals(
        List.of("right"), prediction.labels("side", label -> label.equals("low") ? 1.1 : 0));
  }

  @Test
  void aLabelHasItsThresholdAndIsTrueOrNot() {
    float[] input = Datasets.input(dots.both(), 5);
    network.setThresholds("side", 0, 1);
    try (Predictor loose = network.predictor();
        Predictor logits = network.predictor(PredictorOptions.defaults().logits())) {
      for (Prediction prediction : List.of(loose.predictNamed(input), logits.predictNamed(input))) {
        assertEquals(0, prediction.threshold("side", "low"));
        assertEquals(1, prediction.threshold("side", "right"));
        assertTrue(prediction.isTrue("side", "low"));
        assertFalse(prediction.isTrue("side", "right"));
        assertThrows(IllegalArgumentException.class, () -> prediction.isTrue("side", "left"));
        assertThrows(IllegalArgumentException.class, () -> prediction.threshold("quarter", "0"));
        String text = prediction.toString();
        String best = prediction.best("quarter");
        assertTrue(text.startsWith("quarter: " + best + " (0 "), text);
        assertTrue(text.contains("; side: low (low "), text);
      }
    }
  }

  @Test
  void countsWhatItDoes() {
    assertEquals(0, predictor.statistics().calls());
    predictor.predict(dots.pictures);
    predictor.predict(dots.pictures);
    PredictorStatistics statistics = predictor.statistics();
    assertEquals(2, statistics.calls());
    assertEquals(0, statistics.failedCalls());
    assertEquals(0, statistics.temporaryWorkspaces());
    assertEquals(predictor.nativeBytes(), statistics.nativeBytes());
    List<Instrument> instruments = predictor.instruments();
    assertEquals(5, instruments.size());
    assertEquals("espalier.predictor.calls", instruments.get(0).name());
    assertEquals(Instrument.Kind.COUNTER, instruments.get(0).kind());
    assertEquals(2, instruments.get(0).value());
    assertEquals("espalier.predictor.native.bytes", instruments.get(4).name());
    assertEquals(Instrument.Kind.GAUGE, instruments.get(4).kind());
    assertEquals(predictor.nativeBytes(), instruments.get(4).value());
    predictor.close();
    instruments.forEach(
        instrument -> assertTrue(Double.isNaN(instrument.value()), instrument.name()));
    List<Instrument> library = Espalier.instruments();
    assertEquals("espalier.live.handles", library.get(0).name());
    assertEquals(Espalier.liveHandles(), library.get(0).value());
    assertEquals(Espalier.nativeBytes(), library.get(1).value());
  }

  @Test
  void letsNonFiniteInputsSpreadWithinTheirExample() {
    float[] inputs = dots.pictures.clone();
    inputs[64 + 10] = Float.NaN;
    float[] expected = predictor.predict(dots.pictures);
    float[] outputs = predictor.predict(inputs);
    assertTrue(Float.isNaN(outputs[6]));
    for (int i = 0; i < outputs.length; i++) {
      if (i / 6 != 1) {
        assertEquals(expected[i], outputs[i]);
      }
    }
  }

  @Test
  void isASnapshot() {
    float[] before = predictor.predict(Datasets.input(dots.both(), 0));
    Trainer.of(network).epochs(1).fit(dots.both());
    assertArrayEquals(before, predictor.predict(Datasets.input(dots.both(), 0)));
    try (Predictor after = network.predictor()) {
      assertFalse(Arrays.equals(before, after.predict(Datasets.input(dots.both(), 0))));
    }
    network.close();
    assertArrayEquals(before, predictor.predict(Datasets.input(dots.both(), 0)));
  }

  @Test
  void agreesWithEvaluation() {
    float[][] rows = predictor.predict(dots.both());
    int right = 0;
    double loss = 0;
    for (int i = 0; i < EXAMPLES; i++) {
      int best = 0;
      for (int j = 1; j < 4; j++) {
        best = rows[i][j] > rows[i][best] ? j : best;
      }
      right += best == dots.quarters[i] ? 1 : 0;
      loss -= Math.log(rows[i][dots.quarters[i]]);
    }
    TaskEvaluation evaluation = network.evaluate(dots.both()).task("quarter");
    assertEquals((double) right / EXAMPLES, evaluation.metric("accuracy").value(), 1e-9);
    assertEquals(loss / EXAMPLES, evaluation.loss(), 1e-4);
    assertEquals(EXAMPLES, evaluation.labelledCount());
  }

  @Test
  void refusesWrongBuffers() {
    FloatBuffer inputs = direct(64);
    FloatBuffer outputs = direct(6);
    assertThrows(
        IllegalArgumentException.class, () -> predictor.predict(FloatBuffer.allocate(64), outputs));
    assertThrows(
        IllegalArgumentException.class, () -> predictor.predict(inputs, FloatBuffer.allocate(6)));
    FloatBuffer swapped = ByteBuffer.allocateDirect(256).asFloatBuffer();
    assertThrows(IllegalArgumentException.class, () -> predictor.predict(swapped, outputs));
    FloatBuffer readOnly = outputs.asReadOnlyBuffer();
    assertThrows(IllegalArgumentException.class, () -> predictor.predict(inputs, readOnly));
    predictor.predict(inputs.asReadOnlyBuffer(), outputs);
    assertThrows(ShapeException.class, () -> predictor.predict(direct(63), outputs));
    assertThrows(ShapeException.class, () -> predictor.predict(direct(0), outputs));
    assertThrows(ShapeException.class, () -> predictor.predict(direct(128), outputs));
    assertThrows(ShapeException.class, () -> predictor.predict(inputs, direct(5)));
    assertThrows(ShapeException.class, () -> predictor.predict(new float[65]));
    assertThrows(ShapeException.class, () -> predictor.predict(new float[0]));
    assertThrows(ShapeException.class, () -> predictor.predict(new float[64], new float[7]));
    assertThrows(ShapeException.class, () -> predictor.predictNamed(new float[128]));
    predictor.close();
    predictor.close();
    assertTrue(predictor.isClosed());
    assertThrows(IllegalStateException.class, () -> predictor.predict(inputs, outputs));
    assertThrows(IllegalStateException.class, () -> predictor.predict(new float[64]));
  }

  /** An arena of Java 22 frees the memory of its buffers, which native code could not know. */
  @Test
  void refusesBuffersWhoseMemoryIsFreed() throws Exception {
    assumeTrue(Runtime.version().feature() >= 22, "arenas need Java 22");
    Class<?> arenas = Class.forName("java.lang.foreign.Arena");
    AutoCloseable arena = (AutoCloseable) arenas.getMethod("ofConfined").invoke(null);
    Object segment =
        arenas.getMethod("allocate", long.class, long.class).invoke(arena, 4L * 64, 64L);
    ByteBuffer bytes =
        (ByteBuffer)
            Class.forName("java.lang.foreign.MemorySegment")
                .getMethod("asByteBuffer")
                .invoke(segment);
    FloatBuffer floats = bytes.order(ByteOrder.nativeOrder()).asFloatBuffer();
    ByteBuffer pixels = bytes.slice(0, 64);
    FloatBuffer outputs = direct(6);
    predictor.predict(floats, outputs);
    arena.close();
    assertThrows(IllegalStateException.class, () -> predictor.predict(floats, outputs));
    assertThrows(IllegalStateException.class, () -> predictor.predict(direct(64), floats));
    assertThrows(IllegalStateException.class, () -> predictor.predictPixels(pixels, outputs));
  }
}
