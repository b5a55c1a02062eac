// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Espalier;
import dev.espalier.Head;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.Precision;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.Shape;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class EspalierEngineTest {
  private static final int SIZE = 100;

  @TempDir Path folder;

  /** Saves a model with so many hidden values and returns what it answers. */
  private static float[] save(int hidden, long seed, Path model) {
    try (Network network =
            Network.builder(Shape.vector(SIZE))
                .dense(hidden)
                .relu()
                .dense(hidden)
                .head("a", Head.classes(3))
                .build(seed);
        Predictor predictor = network.predictor()) {
      network.save(model);
      return predictor.predict(input());
    }
  }

  private static float[] input() {
    float[] input = new float[SIZE];
    for (int i = 0; i < SIZE; i++) {
      input[i] = i % 7;
    }
    return input;
  }

  /** A large file that somebody else began to read must not replace a small one, saved later. */
  @Test
  void afterAReloadTheFileServes() throws InterruptedException {
    Path model = folder.resolve("model.safetensors");
    save(4, 0, model);
    try (EspalierEngine engine = new EspalierEngine(model, ServiceOptions.defaults().predictor())) {
      for (int millis = 0; millis < 10; millis++) {
        save(1000, 0, model);
        Thread other = new Thread(engine::reload);
        other.start();
        Thread.sleep(millis);
        float[] expected = save(4, millis, model);
        engine.reload();
        other.join();
        assertArrayEquals(
            expected, engine.answer(served -> served.predict(input()).values()), millis + " ms");
      }
    }
  }

  @Test
  void servesInThePrecisionAskedForAfterAReloadToo() {
    Path model = folder.resolve("model.safetensors");
    float[] inFloat = save(100, 1, model);
    try (EspalierEngine engine =
        new EspalierEngine(
            model, ServiceOptions.defaults().precision(Precision.INT8).predictor())) {
      requireInt8(engine, model, inFloat);
      float[] otherInFloat = save(100, 2, model);
      engine.reload();
      requireInt8(engine, model, otherInFloat);
    }
  }

  @Test
  void keepsLayersInFloatAndRefusesModelsWithoutThem() {
    Path model = folder.resolve("model.safetensors");
    float[] inFloat = save(100, 1, model);
    ServiceOptions options = ServiceOptions.defaults().precision(Precision.INT8);
    String[] layers;
    try (Network network = Network.load(model)) {
      layers = network.layers().stream().map(LayerSummary::name).toArray(String[]::new);
    }
    PredictorOptions kept = options.keepFloat(layers).predictor();
    try (EspalierEngine engine = new EspalierEngine(model, kept)) {
      assertArrayEquals(inFloat, engine.answer(served -> served.predict(input()).values()));
    }
    assertTrue(options.keepFloat("a", "b").toString().contains("in float [a, b]"));
    PredictorOptions unknown = options.keepFloat("no such").predictor();
    assertThrows(IllegalArgumentException.class, () -> new EspalierEngine(model, unknown));
  }

  private static void requireInt8(EspalierEngine engine, Path model, float[] inFloat) {
    float[] answer = engine.answer(served -> served.predict(input()).values());
    PredictorOptions options = PredictorOptions.defaults().precision(Precision.INT8);
    try (Predictor predictor = Predictor.load(model, options)) {
      assertArrayEquals(predictor.predict(input()), answer);
    }
    assertFalse(Arrays.equals(inFloat, answer));
    assertArrayEquals(inFloat, answer, 0.1f);
    assertTrue(engine.describe().contains("int8"), engine::describe);
  }

  @Test
  void staysClosed() {
    long handles = Espalier.liveHandles();
    Path model = folder.resolve("model.safetensors");
    save(4, 1, model);
    EspalierEngine engine = new EspalierEngine(model, ServiceOptions.defaults().predictor());
    engine.close();
    engine.close();
    assertThrows(IllegalStateException.class, engine::reload);
    assertThrows(
        IllegalStateException.class, () -> engine.answer(served -> served.predict(input())));
    assertEquals(handles, Espalier.liveHandles());
  }
}
