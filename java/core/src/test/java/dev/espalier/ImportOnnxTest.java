// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of a convolution, a batch norm, a pool and a product; cpp/testing/small_backbone.h makes it. */
class ImportOnnxTest {
  private static final Path MODEL =
      Path.of(System.getProperty("espalier.root"), "cpp/testdata/small_backbone.onnx");

  @TempDir Path folder;

  private static float[] logits(Network network) {
    PredictorOptions options = PredictorOptions.defaults().layers("fc");
    try (Predictor predictor = network.predictor(options)) {
      float[] image = new float[32];
      for (int i = 0; i < image.length; i++) {
        image[i] = (i * 7 % 11 - 5) * 0.3f;
      }
      return predictor.predict(image);
    }
  }

  @Test
  void pathsBytesAndStreamsGiveTheSameNetwork() throws IOException {
    byte[] bytes = Files.readAllBytes(MODEL);
    try (Network ofPath = Network.importOnnx(MODEL);
        Network ofBytes = Network.importOnnx(bytes, ImportOptions.defaults());
        Network ofStream =
            Network.importOnnx(new ByteArrayInputStream(bytes), ImportOptions.defaults())) {
      assertEquals(Shape.image(2, 4, 4), ofPath.inputShape());
      assertEquals(
          List.of("conv1", "bn1", "pool.MaxPool", "Flatten", "fc"),
          ofPath.layers().stream().map(LayerSummary::name).toList());
      assertArrayEquals(logits(ofPath), logits(ofBytes));
      assertArrayEquals(logits(ofPath), logits(ofStream));
    }
  }

  @Test
  void reportSaysWhatBecameOfTheModel() {
    List<ImportReport> reports = new ArrayList<>();
    Network.importOnnx(MODEL, ImportOptions.defaults().outputs("p").report(reports::add)).close();
    ImportReport report = reports.get(0);
    assertEquals("test", report.producer());
    assertEquals(3, report.nodes());
    assertEquals(0, report.foldedNodes());
    assertEquals(Map.of("image", "image"), report.inputs());
    assertEquals(Map.of("p", "pool.MaxPool"), report.outputs());
    assertEquals("conv1", report.renamed().get("/conv1/Conv"));
    assertEquals(Map.of(), report.fused());
    assertEquals(List.of(), report.notes());
    assertTrue(report.toString().contains("3 nodes by test"), report.toString());
  }

  @Test
  void backboneTakesAHeadAndTrains() {
    try (Network backbone = Network.importOnnx(MODEL);
        Network network =
            backbone
                .transfer()
                .dropFrom("fc")
                .freezeThrough("Flatten")
                .head("kind", Head.classes("a", "b"))
                .build(1)) {
      float[][] images = new float[8][32];
      int[] kinds = new int[8];
      for (int i = 0; i < 8; i++) {
        kinds[i] = i % 2;
        Arrays.fill(images[i], kinds[i] == 0 ? -1f : 1f);
      }
      Dataset data = Datasets.ofClasses(images, kinds);
      double before = network.evaluate(data).loss();
      Trainer.of(network).optimizer(Adam.withLearningRate(0.05)).batchSize(4).epochs(20).fit(data);
      assertTrue(network.evaluate(data).loss() < before);
    }
  }

  @Test
  void wrongFilesAreErrors() throws IOException {
    byte[] bytes = Files.readAllBytes(MODEL);
    Path cut = Files.write(folder.resolve("cut.onnx"), Arrays.copyOf(bytes, 300));
    String message =
        assertThrows(ModelFileException.class, () -> Network.importOnnx(cut).close()).getMessage();
    assertTrue(message.contains("cut.onnx"), message);
    ImportOptions small = ImportOptions.defaults().maxFileBytes(100);
    assertThrows(ModelFileException.class, () -> Network.importOnnx(MODEL, small).close());
    assertThrows(ModelFileException.class, () -> Network.importOnnx(bytes, small).close());
    ImportOptions layers = ImportOptions.defaults().limits(LoadOptions.defaults().maxLayers(2));
    assertThrows(ModelFileException.class, () -> Network.importOnnx(MODEL, layers).close());
  }

  @Test
  void wrongOptionsAreErrors() {
    ImportOptions options = ImportOptions.defaults();
    assertThrows(IllegalArgumentException.class, () -> options.dimension("length", 0));
    assertThrows(IllegalArgumentException.class, () -> options.maxFileBytes(0));
    assertThrows(IllegalArgumentException.class, () -> options.batchAxis("image", -1));
    ImportOptions far = options.batchAxis("image", 4);
    String tooFar =
        assertThrows(IllegalArgumentException.class, () -> Network.importOnnx(MODEL, far))
            .getMessage();
    assertTrue(
        tooFar.endsWith("input 'image': expected an axis of the batch from 0 to 3, got 4"), tooFar);
    Network.importOnnx(MODEL, options.batchAxis("image", 0).externalData()).close();
    ImportOptions unknown = options.dimension("length", 8);
    String message =
        assertThrows(IllegalArgumentException.class, () -> Network.importOnnx(MODEL, unknown))
            .getMessage();
    assertTrue(message.contains("no dimension 'length'"), message);
    ImportOptions shape = options.inputShape("image", Shape.image(2, 6, 6)).outputs("p");
    try (Network larger = Network.importOnnx(MODEL, shape)) {
      assertEquals(Shape.image(2, 6, 6), larger.inputShape());
    }
  }

  /** A network that was made is not left behind by one that does not want to hear of it. */
  @Test
  void reportsThatThrowEndTheImport() {
    long before = Espalier.nativeBytes();
    ImportOptions options =
        ImportOptions.defaults()
            .report(
                report -> {
                  throw new IllegalStateException("no");
                });
    assertThrows(IllegalStateException.class, () -> Network.importOnnx(MODEL, options));
    assertEquals(before, Espalier.nativeBytes());
  }
}
