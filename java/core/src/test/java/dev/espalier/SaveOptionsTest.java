// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SaveOptionsTest {
  private static final SaveOptions INT8 = SaveOptions.defaults().int8Weights();

  @TempDir Path folder;

  private static Network network() {
    return Network.builder(Shape.vector(256))
        .dense("one", 256)
        .relu()
        .dense("two", 256)
        .relu()
        .head("kind", Head.classes("shirt", "boot", "bag"))
        .build(7);
  }

  private static float[] rows() {
    Random random = new Random(3);
    float[] rows = new float[5 * 256];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = (float) random.nextGaussian();
    }
    return rows;
  }

  private static float[] answers(Network network, Precision precision) {
    try (Predictor predictor =
        network.predictor(PredictorOptions.defaults().precision(precision))) {
      return predictor.predict(rows());
    }
  }

  @Test
  void weightsOfEightBitsTakeAQuarterAndServeWithTheSameBits() throws IOException {
    Path floats = folder.resolve("floats.safetensors");
    Path bytes = folder.resolve("bytes.safetensors");
    try (Network network = network()) {
      network.save(floats, SaveOptions.defaults());
      network.save(bytes, INT8);
      assertTrue(Files.size(bytes) < 0.27 * Files.size(floats), () -> "" + bytes.toFile().length());
      try (Network loaded = Network.load(bytes)) {
        assertArrayEquals(answers(network, Precision.INT8), answers(loaded, Precision.INT8));
        float[] exact = answers(network, Precision.FP32);
        float[] rounded = answers(loaded, Precision.FP32);
        assertFalse(Arrays.equals(exact, rounded));
        assertArrayEquals(exact, rounded, 0.05f);
      }
    }
  }

  @Test
  void streamsHaveTheBytesOfFiles() throws IOException {
    Path file = folder.resolve("bytes.safetensors");
    try (Network network = network()) {
      network.save(file, INT8);
      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      network.save(stream, INT8);
      assertArrayEquals(Files.readAllBytes(file), stream.toByteArray());
      try (Network loaded = Network.load(stream.toByteArray())) {
        assertArrayEquals(answers(network, Precision.INT8), answers(loaded, Precision.INT8));
      }
    }
  }

  @Test
  void whatWasReadIsTrainedOn() {
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    try (Network network = network()) {
      network.save(stream, INT8);
    }
    Dataset data = Datasets.ofClasses(rows(), Shape.vector(256), new int[] {0, 1, 2, 0, 1});
    try (Network loaded = Network.load(stream.toByteArray())) {
      History history = Trainer.of(loaded).epochs(20).fit(data);
      assertTrue(history.last().loss() < history.epochs().get(0).loss() / 2, history::toString);
    }
  }

  @Test
  void textsSayWhatIsWritten() {
    assertEquals("float32", SaveOptions.defaults().toString());
    assertEquals("int8 where predictors have it", INT8.toString());
    assertFalse(SaveOptions.defaults().isInt8Weights());
    assertTrue(INT8.isInt8Weights());
  }
}
