// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Published models, against ONNX Runtime. */
class ImportedModelsTest {
  /** Of the largest value. */
  private static final double TOLERANCE = 1e-4;

  private static byte[] resource(String name) throws IOException {
    try (InputStream stream = ClassLoader.getSystemResourceAsStream(name)) {
      assertNotNull(stream, name);
      return stream.readAllBytes();
    }
  }

  /** Floats that ONNX Runtime makes of inputs, by the names of outputs. */
  private static Map<String, float[]> oracle(byte[] model, Map<String, OnnxTensor> inputs)
      throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    Map<String, float[]> outputs = new HashMap<>();
    try (OrtSession session = environment.createSession(model, new OrtSession.SessionOptions());
        OrtSession.Result results = session.run(inputs)) {
      for (String name : session.getOutputNames()) {
        FloatBuffer buffer = ((OnnxTensor) results.get(name).orElseThrow()).getFloatBuffer();
        float[] values = new float[buffer.remaining()];
        buffer.get(values);
        outputs.put(name, values);
      }
    }
    return outputs;
  }

  /** The largest difference of two lists from their places, by the largest value. */
  private static double difference(float[] actual, float[] expected) {
    assertEquals(expected.length, actual.length);
    double difference = 0;
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      difference = Math.max(difference, Math.abs((double) actual[i] - expected[i]));
      largest = Math.max(largest, Math.abs((double) expected[i]));
    }
    return difference / largest;
  }

  private static OnnxTensor integers(long[] values, int batch) throws OrtException {
    long[] shape = {batch, values.length / batch};
    return OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), LongBuffer.wrap(values), shape);
  }

  /** Texts in a batch: ids, and how many of them count; the rest of a text is padding. */
  private record Texts(int length, int[] lengths, long[] ids) {
    static Texts random(int length, int... lengths) {
      Random random = new Random(length);
      long[] ids = new long[length * lengths.length];
      for (int b = 0; b < lengths.length; b++) {
        for (int i = 0; i < lengths[b]; i++) {
          ids[b * length + i] = random.nextInt(30522);
        }
      }
      return new Texts(length, lengths, ids);
    }

    int batch() {
      return lengths.length;
    }

    Map<String, OnnxTensor> tensors() throws OrtException {
      long[] mask = new long[ids.length];
      for (int b = 0; b < batch(); b++) {
        Arrays.fill(mask, b * length, b * length + lengths[b], 1);
      }
      return Map.of(
          "input_ids", integers(ids, batch()),
          "attention_mask", integers(mask, batch()),
          "token_type_ids", integers(new long[ids.length], batch()));
    }

    /** Rows of ids, token types and a number of positions. */
    float[] rows() {
      float[] rows = new float[batch() * (2 * length + 1)];
      for (int b = 0; b < batch(); b++) {
        int row = b * (2 * length + 1);
        for (int i = 0; i < length; i++) {
          rows[row + i] = ids[b * length + i];
        }
        rows[row + 2 * length] = lengths[b];
      }
      return rows;
    }

    /** The vectors of positions that count, of all. */
    float[] valid(float[] all) {
      int width = all.length / ids.length;
      int size = Arrays.stream(lengths).sum() * width;
      FloatBuffer valid = FloatBuffer.allocate(size);
      for (int b = 0; b < batch(); b++) {
        valid.put(all, b * length * width, lengths[b] * width);
      }
      return valid.array();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 32, 128})
  void miniLmIsMadeOfOurLayersAndAnswersAsItDoes(int length) throws Exception {
    byte[] model = resource("all-minilm-l6-v2.onnx");
    List<ImportReport> reports = new ArrayList<>();
    ImportOptions options =
        ImportOptions.defaults().dimension("sequence_length", length).report(reports::add);
    try (Network network = Network.importOnnx(model, options)) {
      ImportReport report = reports.get(0);
      assertEquals(6, report.fused().get("MultiHeadAttention"));
      assertEquals(13, report.fused().get("LayerNormalization"));
      assertEquals(6, report.fused().get("Gelu"));
      assertEquals(36, report.fused().get("Dense"));
      assertTrue(report.notes().toString().contains("masks of ones"), report.toString());
      String output = report.outputs().get("last_hidden_state");
      try (Predictor predictor = network.predictor(PredictorOptions.defaults().layers(output))) {
        for (int[] lengths : new int[][] {{length}, {length, 1, length / 2}}) {
          Texts texts = Texts.random(length, lengths);
          float[] expected = oracle(model, texts.tensors()).get("last_hidden_state");
          float[] actual = predictor.predict(texts.rows());
          double difference = difference(texts.valid(actual), texts.valid(expected));
          assertTrue(difference <= TOLERANCE, () -> "difference " + difference);
        }
      }
    }
  }

  /** The cosine of two lists. */
  private static double cosine(float[] a, float[] b) {
    double product = 0;
    double ofA = 0;
    double ofB = 0;
    for (int i = 0; i < a.length; i++) {
      product += (double) a[i] * b[i];
      ofA += (double) a[i] * a[i];
      ofB += (double) b[i] * b[i];
    }
    return product / Math.sqrt(ofA * ofB);
  }

  /**
   * ONNX Runtime rounds what is multiplied to 8 bits, we do not: the directions are the same. Of
   * the real numbers that were read it makes what we do.
   */
  @ParameterizedTest
  @ValueSource(ints = {8, 32})
  void quantizedE5IsReadInRealNumbers(int length, @TempDir Path folder) throws Exception {
    byte[] model = resource("e5-small-v2-q.onnx");
    List<ImportReport> reports = new ArrayList<>();
    ImportOptions options =
        ImportOptions.defaults().dimension("sequence_length", length).report(reports::add);
    try (Network network = Network.importOnnx(model, options)) {
      ImportReport report = reports.get(0);
      assertEquals(12, report.fused().get("MultiHeadAttention"));
      assertEquals(72, report.fused().get("Dense"));
      assertTrue(report.notes().toString().contains("quantized"), report.toString());
      assertTrue(
          report.notes().toString().contains("weights of 73 layers are bytes"), report.toString());
      String output = report.outputs().get("last_hidden_state");
      try (Predictor predictor = network.predictor(PredictorOptions.defaults().layers(output))) {
        Path file = folder.resolve("real.onnx");
        network.exportOnnx(file, OnnxExportOptions.defaults().layers(output));
        for (int[] lengths : new int[][] {{length}, {length, length / 3, length / 2}}) {
          Texts texts = Texts.random(length, lengths);
          float[] actual = texts.valid(predictor.predict(texts.rows()));
          float[] rounded = texts.valid(oracle(model, texts.tensors()).get("last_hidden_state"));
          double cosine = cosine(actual, rounded);
          assertTrue(cosine >= 0.99, () -> "cosine " + cosine);
          try (OnnxRun run = new OnnxRun(file)) {
            Map<String, float[]> real =
                run.run(network.inputs(), texts.rows(), texts.batch(), length);
            double difference = difference(actual, texts.valid(real.get(output)));
            assertTrue(difference <= TOLERANCE, () -> "difference " + difference);
          }
        }
      }
    }
  }

  /** Anything between -1 and 1. */
  private static float[] noise(Shape shape, int batch) {
    float[] images = new float[batch * shape.size()];
    Random random = new Random(batch);
    for (int i = 0; i < images.length; i++) {
      images[i] = 2 * random.nextFloat() - 1;
    }
    return images;
  }

  /** A line of letters H, dark on light, fainter in each image. */
  private static float[] letters(Shape shape, int batch) {
    int height = shape.dims()[1];
    int width = shape.dims()[2];
    float[] images = new float[batch * shape.size()];
    for (int i = 0; i < images.length; i++) {
      int x = i % width - 12;
      int y = i / width % height - height / 2;
      int column = x % 20;
      boolean isBar = column < 4 || column >= 10 && column < 14;
      boolean isAcross = y >= -2 && y < 2 && column < 14;
      boolean isInLine = x >= 0 && x < (width - 20) / 20 * 20 && y >= -12 && y < 12;
      boolean isLetter = isInLine && (isBar || isAcross);
      images[i] = (isLetter ? -1f : 1f) * (1f - 0.2f * (i / shape.size()));
    }
    return images;
  }

  /** Makes images of a shape, so many. */
  private interface Images {
    float[] of(Shape shape, int batch);
  }

  /** Answers for images, of all outputs, as ONNX Runtime's, one by one and three at once. */
  private static void checkImages(byte[] model, String input, Shape shape, Images source)
      throws Exception {
    List<ImportReport> reports = new ArrayList<>();
    ImportOptions options = ImportOptions.defaults().inputShape(input, shape).report(reports::add);
    try (Network network = Network.importOnnx(model, options)) {
      for (int batch : new int[] {1, 3}) {
        float[] images = source.of(shape, batch);
        long[] dims = {batch, shape.dims()[0], shape.dims()[1], shape.dims()[2]};
        OnnxTensor tensor =
            OnnxTensor.createTensor(
                OrtEnvironment.getEnvironment(), FloatBuffer.wrap(images), dims);
        for (Map.Entry<String, float[]> expected :
            oracle(model, Map.of(input, tensor)).entrySet()) {
          String layer = reports.get(0).outputs().get(expected.getKey());
          try (Predictor predictor = network.predictor(PredictorOptions.defaults().layers(layer))) {
            double difference = difference(predictor.predict(images), expected.getValue());
            assertTrue(difference <= TOLERANCE, () -> "difference " + difference);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "ch_ppocr_mobile_v2.0_cls_infer, 48, 192",
    "ch_PP-OCRv3_det_infer, 64, 160",
    "ch_PP-OCRv4_det_infer, 96, 160",
    "ch_PP-OCRv3_rec_infer, 48, 160",
    "ch_PP-OCRv3_rec_infer, 48, 320",
    "ch_PP-OCRv4_rec_infer, 48, 160",
    "ch_PP-OCRv4_rec_infer, 48, 320",
  })
  void readersOfTextAnswerAsTheyDo(String name, int height, int width) throws Exception {
    checkImages(
        resource("models/" + name + ".onnx"),
        "x",
        Shape.image(3, height, width),
        ImportedModelsTest::letters);
  }

  /** One predictor, made for images of one size, for images of another. */
  @ParameterizedTest
  @CsvSource({
    "ch_ppocr_mobile_v2.0_cls_infer, 48, 192, 48, 100",
    "ch_PP-OCRv3_det_infer, 64, 160, 96, 224",
    "ch_PP-OCRv4_det_infer, 96, 160, 64, 320",
  })
  void findersOfTextTakeImagesOfOtherSizes(
      String name, int height, int width, int otherHeight, int otherWidth) throws Exception {
    byte[] model = resource("models/" + name + ".onnx");
    Shape other = Shape.image(3, otherHeight, otherWidth);
    float[] image = letters(other, 1);
    OnnxTensor tensor =
        OnnxTensor.createTensor(
            OrtEnvironment.getEnvironment(),
            FloatBuffer.wrap(image),
            new long[] {1, 3, otherHeight, otherWidth});
    List<ImportReport> reports = new ArrayList<>();
    ImportOptions options =
        ImportOptions.defaults()
            .inputShape("x", Shape.image(3, height, width))
            .report(reports::add);
    try (Network network = Network.importOnnx(model, options)) {
      Map.Entry<String, float[]> expected =
          oracle(model, Map.of("x", tensor)).entrySet().iterator().next();
      String layer = reports.get(0).outputs().get(expected.getKey());
      PredictorOptions any = PredictorOptions.defaults().layers(layer).otherShapes(1);
      try (Predictor predictor = network.predictor(any);
          Predictor sized = predictor.forShape(other)) {
        double difference = difference(sized.predict(image), expected.getValue());
        assertTrue(difference <= TOLERANCE, () -> "difference " + difference);
      }
    }
  }

  @Test
  void backbonesOfTorchvisionAnswerAsTheyDo(@TempDir Path folder) throws Exception {
    PythonWithTorch.run("export_backbones.py", folder);
    for (String name :
        List.of(
            "resnet18",
            "mobilenet_v2",
            "mobilenet_v3_small",
            "mobilenet_v3_large",
            "efficientnet_b0",
            "vit_tiny",
            "vision_transformer")) {
      byte[] model = Files.readAllBytes(folder.resolve(name + ".onnx"));
      checkImages(model, "image", Shape.image(3, 64, 64), ImportedModelsTest::noise);
      if (!name.startsWith("vi")) { // those have a position for each patch
        checkImages(model, "image", Shape.image(3, 96, 80), ImportedModelsTest::noise);
      }
    }
  }
}
