// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The five TensorFlow Lite models of MediaPipe's Objectron, an Open Images detector among them,
 * answer as their operators say, computed in float64 by cpp/testdata/tflite_in_float64.py; and as
 * ONNX models, in ONNX Runtime and imported again. {@code ci/objectron} fetches them.
 */
class ObjectronTest {
  @TempDir Path folder;

  private static List<Path> models() throws IOException {
    Path models = Path.of(System.getProperty("espalier.root"), "target/objectron");
    if (!Files.isDirectory(models)) {
      abort("no models in " + models + ": find_objectron of ci/objectron fetches them");
    }
    try (Stream<Path> files = Files.list(models)) {
      return files.filter(file -> file.toString().endsWith(".tflite")).sorted().toList();
    }
  }

  private static float[] floats(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  /**
   * The largest difference from the expected values, by the largest of them. ONNX Runtime's sigmoid
   * of large negative numbers is off by some 1e-7.
   */
  private static void assertClose(String what, float[] expected, float[] actual, double most) {
    assertEquals(expected.length, actual.length, what);
    double difference = 0;
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      difference = Math.max(difference, Math.abs((double) actual[i] - expected[i]));
      largest = Math.max(largest, Math.abs((double) expected[i]));
    }
    double relative = difference < 1e-6 ? 0 : difference / largest;
    assertTrue(relative <= most, () -> what + ": difference " + relative);
  }

  private static float[] run(Network network, String layer, float[] images) {
    try (Predictor predictor = network.predictor(PredictorOptions.defaults().layers(layer))) {
      return predictor.predict(images);
    }
  }

  @Test
  void modelsAnswerAsTheirOperatorsSay() throws Exception {
    List<Path> models = models();
    assertEquals(5, models.size());
    PythonWithTorch.run(
        "tflite_in_float64.py", folder, models.stream().map(Path::toString).toArray(String[]::new));
    for (Path model : models) {
      String name = model.getFileName().toString().replace(".tflite", "");
      float[] images = floats(folder.resolve(name + ".in"));
      float[] expected = floats(folder.resolve(name + ".out"));
      List<ImportReport> reports = new ArrayList<>();
      try (Network network =
          Network.importTflite(model, ImportOptions.defaults().report(reports::add))) {
        assertEquals(images.length, 2 * network.inputShape().size(), name);
        int at = 0;
        for (String layer : reports.get(0).outputs().values()) {
          float[] actual = run(network, layer, images);
          float[] part = Arrays.copyOfRange(expected, at, at + actual.length);
          assertClose(name + " " + layer, part, actual, 1e-4);
          at += actual.length;
        }
        assertEquals(expected.length, at, name);
      }
    }
  }

  @Test
  void modelsBecomeOnnxModels() throws Exception {
    for (Path model : models()) {
      List<ImportReport> reports = new ArrayList<>();
      Path file = folder.resolve("model.onnx");
      ImportOptions options = ImportOptions.defaults().report(reports::add);
      try (Network network = Network.importTflite(model, options)) {
        String[] layers = reports.get(0).outputs().values().toArray(String[]::new);
        network.exportOnnx(file, OnnxExportOptions.defaults().layers(layers));
        float[] images = new float[2 * network.inputShape().size()];
        for (int i = 0; i < images.length; i++) {
          images[i] = (float) Math.sin(0.37 * i) * (i % 7) / 7;
        }
        Map<String, float[]> others;
        try (OnnxRun run = new OnnxRun(file)) {
          others = run.run(network.inputs(), images, 2, 0);
        }
        assertEquals(layers.length, others.size());
        try (Network back = Network.importOnnx(file, options)) {
          for (Map.Entry<String, float[]> other : others.entrySet()) {
            String name = model.getFileName() + " " + other.getKey();
            float[] expected = run(network, other.getKey(), images);
            assertClose(name + ", ONNX Runtime", expected, other.getValue(), 1e-4);
            String layer = reports.get(1).outputs().get(other.getKey());
            assertClose(name + ", imported again", expected, run(back, layer, images), 1e-5);
          }
        }
      }
    }
  }
}
