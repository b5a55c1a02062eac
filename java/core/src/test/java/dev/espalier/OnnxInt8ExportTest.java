// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ONNX models whose weights have 8 bits: ONNX Runtime computes by them, and they come back. */
class OnnxInt8ExportTest {
  private static final int BATCH = 5;

  @TempDir Path folder;

  private static Network texts() {
    return Network.builder(Input.integers("ids", Shape.of(6)))
        .layer("words", "embedding", LayerOptions.defaults().set("count", 300).set("width", 64))
        .layer(
            "hidden", "dense", LayerOptions.defaults().set("units", 96).set("per_position", true))
        .gelu()
        .dense("wide", 70)
        .relu()
        .head("kind", Head.values("a", "b", "c"))
        .build(4);
  }

  private static Network images() {
    return Network.builder(Input.floats("image", Shape.image(64, 4, 4)))
        .conv2d("pixel", 96, 1)
        .batchNorm("norm")
        .relu()
        .dense("wide", 70)
        .relu()
        .head("kind", Head.values("a", "b", "c"))
        .build(4);
  }

  private static float[] rows(Network network) {
    Random random = new Random(3);
    Input input = network.inputs().get(0);
    float[] rows = new float[BATCH * input.shape().size()];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = input.isInteger() ? random.nextInt(300) : (float) random.nextGaussian();
    }
    return rows;
  }

  private static float[] predict(Network network, PredictorOptions options, float[] rows) {
    try (Predictor predictor = network.predictor(options)) {
      return predictor.predict(rows);
    }
  }

  @Test
  void answersAreThoseOfTheRoundedNetworkAndTheBytesComeBack() throws Exception {
    try (Network texts = texts();
        Network images = images()) {
      for (int operatorSet : new int[] {17, 22}) {
        check(texts, operatorSet);
        check(images, operatorSet);
      }
    }
  }

  private void check(Network network, int operatorSet) throws Exception {
    Path file = folder.resolve("int8.onnx");
    Path plain = folder.resolve("float.onnx");
    Path saved = folder.resolve("int8.safetensors");
    OnnxExportOptions options = OnnxExportOptions.defaults().operatorSet(operatorSet);
    network.exportOnnx(plain, options);
    network.exportOnnx(file, options.int8Weights());
    network.save(saved, SaveOptions.defaults().int8Weights());
    assertTrue(Files.size(file) < 0.32 * Files.size(plain), Files.size(file) + " bytes");
    float[] rows = rows(network);
    PredictorOptions int8 = PredictorOptions.defaults().precision(Precision.INT8);
    float[] inInt8 = predict(network, int8, rows);
    try (OnnxRun literal = new OnnxRun(file, OptLevel.NO_OPT);
        OnnxRun run = new OnnxRun(file);
        Network rounded = Network.load(saved);
        Network imported = Network.importOnnx(file)) {
      float[] expected = predict(rounded, PredictorOptions.defaults(), rows);
      float[] asWritten = literal.run(network.inputs(), rows, BATCH, 6).get("kind");
      assertEquals(0, RelativeDifference.of(expected, asWritten), 1e-6);
      // By default ONNX Runtime may round what it multiplies by such weights.
      float[] inRuntime = run.run(network.inputs(), rows, BATCH, 6).get("kind");
      assertEquals(0, RelativeDifference.of(inInt8, inRuntime), 0.02);
      String last = imported.layers().get(imported.layers().size() - 1).name();
      assertArrayEquals(inInt8, predict(imported, int8.layers(last), rows));
      assertArrayEquals(
          expected, predict(imported, PredictorOptions.defaults().layers(last), rows));
    }
  }
}
