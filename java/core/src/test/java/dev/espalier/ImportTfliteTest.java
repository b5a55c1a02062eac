// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/**
 * Of two convolutions, a shortcut, the mean and a dense layer; cpp/import/tflite_test.cc makes it.
 */
class ImportTfliteTest {
  private static final Path MODEL =
      Path.of(System.getProperty("espalier.root"), "cpp/testdata/mobile_block.tflite");

  private static float[] answers(Network network) {
    PredictorOptions options = PredictorOptions.defaults().layers("answers");
    try (Predictor predictor = network.predictor(options)) {
      float[] image = new float[3 * 7 * 7];
      for (int i = 0; i < image.length; i++) {
        image[i] = (i * 7 % 11 - 5) * 0.3f;
      }
      return predictor.predict(image);
    }
  }

  @Test
  void pathsBytesAndStreamsGiveTheSameNetwork() throws IOException {
    List<ImportReport> reports = new ArrayList<>();
    ImportOptions options = ImportOptions.defaults().report(reports::add);
    try (InputStream stream = Files.newInputStream(MODEL);
        Network ofPath = Network.importTflite(MODEL, options);
        Network ofStream = Network.importTflite(stream, options);
        Network ofBytes = Network.importTflite(Files.readAllBytes(MODEL), options)) {
      assertEquals(Shape.image(3, 7, 7), ofPath.inputShape());
      assertArrayEquals(answers(ofPath), answers(ofStream));
      assertArrayEquals(answers(ofPath), answers(ofBytes));
      assertEquals(reports.get(0).toString(), reports.get(1).toString());
    }
  }

  @Test
  void headsAreGraftedAndTrained() {
    try (Network published = Network.importTflite(MODEL, ImportOptions.defaults());
        Network network =
            published
                .transfer()
                .dropFrom("logits")
                .freezeThrough("mean")
                .head("pet", Head.labels("cat", "dog"))
                .build(1)) {
      assertTrue(network.layers().stream().noneMatch(layer -> layer.name().equals("answers")));
      Dataset data =
          Datasets.of(
              new float[2 * 147],
              Shape.image(3, 7, 7),
              new float[][] {{1, Float.NaN}, {Float.NaN, 0}});
      double before = network.evaluate(data).loss();
      Trainer.of(network).optimizer(Adam.withLearningRate(0.05)).epochs(20).fit(data);
      assertTrue(network.evaluate(data).loss() < before);
    }
  }

  @Test
  void filesOfOtherKindsAreNamed() {
    Path onnx = MODEL.resolveSibling("small_backbone.onnx");
    String message =
        assertThrows(
                ModelFileException.class,
                () -> Network.importTflite(onnx, ImportOptions.defaults()).close())
            .getMessage();
    assertTrue(message.contains("importOnnx"), message);
    message =
        assertThrows(ModelFileException.class, () -> Network.importOnnx(MODEL).close())
            .getMessage();
    assertTrue(message.contains("importTflite"), message);
    Path own = MODEL.resolveSibling("golden_v1.safetensors");
    for (Executable read :
        List.<Executable>of(
            () -> Network.importOnnx(own),
            () -> Network.importTflite(own, ImportOptions.defaults()))) {
      message = assertThrows(ModelFileException.class, read).getMessage();
      assertTrue(message.contains("Network.load"), message);
    }
  }
}
