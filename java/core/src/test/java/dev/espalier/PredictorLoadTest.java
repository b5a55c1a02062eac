// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A predictor from a model file is the only thing to be closed, and nothing is left of failures.
 */
class PredictorLoadTest {
  private static final float[] INPUT = new Dots(1, 7).pictures;

  @TempDir Path folder;

  private final long handles = Espalier.liveHandles();
  private Path model;
  private int[] expected;

  @BeforeEach
  void save() {
    model = folder.resolve("model.safetensors");
    try (Network network = Dots.rich(3);
        Predictor predictor = network.predictor()) {
      network.save(model);
      expected = Dots.bits(predictor.predict(INPUT));
    }
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(handles, Espalier.liveHandles());
  }

  @Test
  void ownsItsNetwork() {
    Predictor predictor = Predictor.load(model);
    assertEquals(handles + 1, Espalier.liveHandles());
    assertArrayEquals(expected, Dots.bits(predictor.predict(INPUT)));
    String text = predictor.toString();
    assertTrue(text.contains("[1, 8, 8]") && text.contains("side"), text);
    predictor.close();
    assertTrue(predictor.toString().contains("closed"));
    try (Predictor side = Predictor.load(model, PredictorOptions.defaults().heads("side"))) {
      assertEquals(2, side.outputSize());
    }
  }

  @Test
  void failingLeavesNothing() throws Exception {
    PredictorOptions unknown = PredictorOptions.defaults().heads("sides");
    assertThrows(IllegalArgumentException.class, () -> Predictor.load(model, unknown));
    assertEquals(handles, Espalier.liveHandles());
    assertThrows(UncheckedIOException.class, () -> Predictor.load(folder.resolve("none")));
    Path garbage = Files.writeString(folder.resolve("garbage"), "garbage");
    assertThrows(ModelFileException.class, () -> Predictor.load(garbage));
    long budget = Espalier.nativeBytesBudget();
    Espalier.setNativeBytesBudget(0);
    try {
      assertThrows(NativeMemoryException.class, () -> Predictor.load(model));
    } finally {
      Espalier.setNativeBytesBudget(budget);
    }
  }
}
