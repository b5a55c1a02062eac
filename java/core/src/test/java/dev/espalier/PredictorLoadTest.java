// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/**
 * A predictor from a model file is the only thing to be closed, and nothing is left of failures.
 */
class PredictorLoadTest {
  private static final float[] INPUT = new Dots(1, 7).pictures;

  private static final LoadOptions FEW = LoadOptions.defaults().maxLayers(3);
  private static final LoadOptions ENOUGH = LoadOptions.defaults().maxLayers(100);

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

  private void assertServes(Predictor loaded) {
    try (loaded) {
      assertEquals(handles + 1, Espalier.liveHandles());
      assertArrayEquals(expected, Dots.bits(loaded.predict(INPUT)));
    }
  }

  @Test
  void loadsFromMemoryStreamsAndTheClassPath() throws Exception {
    PredictorOptions options = PredictorOptions.defaults();
    assertServes(Predictor.load(Files.readAllBytes(model), options));
    AtomicBoolean isClosed = new AtomicBoolean();
    try (InputStream stream =
        new FilterInputStream(Files.newInputStream(model)) {
          @Override
          public void close() throws IOException {
            isClosed.set(true);
            super.close();
          }
        }) {
      assertServes(Predictor.load(stream, options));
      assertFalse(isClosed.get());
    }
    URL[] place = {folder.toUri().toURL()};
    Path classes =
        Path.of(Anchor.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    String name = Anchor.class.getName().replace('.', '/') + ".class";
    Files.createDirectories(folder.resolve(name).getParent());
    Files.copy(classes.resolve(name), folder.resolve(name));
    Files.copy(model, folder.resolve(name).resolveSibling("beside.safetensors"));
    try (URLClassLoader loader = new URLClassLoader(place, null)) {
      Class<?> anchor = loader.loadClass(Anchor.class.getName());
      assertServes(Predictor.loadResource(anchor, "/model.safetensors", options));
      assertServes(Predictor.loadResource(anchor, "beside.safetensors", options));
      assertServes(Predictor.loadResource(anchor, "/model.safetensors", options, ENOUGH));
      assertBeyond(() -> Predictor.loadResource(anchor, "/model.safetensors", options, FEW));
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> Predictor.loadResource(anchor, "none", options))
              .getMessage();
      assertTrue(message.contains("got \"none\""), message);
    }
    byte[] garbage = {1, 2, 3};
    assertThrows(ModelFileException.class, () -> Predictor.load(garbage, options));
    PredictorOptions unknown = options.heads("sides");
    byte[] bytes = Files.readAllBytes(model);
    assertThrows(IllegalArgumentException.class, () -> Predictor.load(bytes, unknown));
  }

  @Test
  void keepsToTheLimitsThatAreGiven() throws Exception {
    PredictorOptions options = PredictorOptions.defaults();
    byte[] bytes = Files.readAllBytes(model);
    assertServes(Predictor.load(model, options, ENOUGH));
    assertServes(Predictor.load(bytes, options, ENOUGH));
    assertServes(Predictor.load(new ByteArrayInputStream(bytes), options, ENOUGH));
    assertBeyond(() -> Predictor.load(model, options, FEW));
    assertBeyond(() -> Predictor.load(bytes, options, FEW));
    assertBeyond(() -> Predictor.load(new ByteArrayInputStream(bytes), options, FEW));
  }

  @Test
  void aModelBeyondTheDefaultsLoadsWithinHigherLimits() {
    final int layers = 20_001; // by default 20,000
    Path file = folder.resolve("deep.safetensors");
    NetworkBuilder builder = Network.builder(Shape.vector(1));
    for (int i = 1; i < layers; i++) {
      builder.relu();
    }
    try (Network deep = builder.head("size", Head.values("size")).build(1)) {
      deep.save(file);
    }
    PredictorOptions options = PredictorOptions.defaults();
    assertBeyond(() -> Predictor.load(file, options));
    try (Predictor predictor =
        Predictor.load(file, options, LoadOptions.defaults().maxLayers(layers))) {
      assertEquals(1, predictor.outputSize());
    }
  }

  private static void assertBeyond(Executable load) {
    String message = assertThrows(ModelFileException.class, load).getMessage();
    assertTrue(message.contains("limit of layers"), message);
  }

  /** Loaded once more, from the folder of the test. */
  static final class Anchor {}

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
