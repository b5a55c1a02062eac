// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Gradients of imported networks by all their parameters, batch norms on the batch's statistics.
 *
 * <p>Central differences of a float32 engine are off by some per cent, so the oracle computes in
 * float64: cpp/testdata/onnx_gradients.py evaluates what {@link Network#exportOnnx} wrote, whose
 * constants have the names of our parameters, and differentiates it. It holds its own gradient to
 * central differences along a random direction of each parameter; here each is compared number by
 * number. That the imported network computes what the model does is what ImportedModelsTest shows.
 */
class ImportedGradientsTest {
  /**
   * Of the gradient by a parameter, by its length. Through 52 batch norms on the statistics of
   * twelve numbers each, those of PyTorch in float32 are off by 8e-3.
   */
  private static final double TOLERANCE = 1e-3;

  private static final double THROUGH_MANY_NORMS = 2e-2;

  /** So large that what a step of SGD adds to a parameter is more than its last bits. */
  private static final float SCALE = 1e4f;

  private static final Loss LINEAR =
      batch -> {
        Arrays.fill(batch.gradients(), SCALE);
        double sum = 0;
        for (float logit : batch.logits()) {
          sum += (double) SCALE * logit;
        }
        return sum;
      };

  @TempDir Path folder;

  private static byte[] resource(String name) throws IOException {
    try (InputStream stream = ClassLoader.getSystemResourceAsStream(name)) {
      assertNotNull(stream, name);
      return stream.readAllBytes();
    }
  }

  private static float[] noise(int count, float width) {
    Random random = new Random(count);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = width * (float) random.nextGaussian();
    }
    return values;
  }

  private void writeFloats(String name, float[] values) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    Files.write(folder.resolve(name), bytes.array());
  }

  private float[] readFloats(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  private static double norm(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum);
  }

  /** A network with a head "sum" of one value, and rows of all its inputs side by side. */
  private void check(Network network, float[] rows, int batch, double tolerance) throws Exception {
    for (ParameterSummary parameter : network.parameters()) {
      if (parameter.path().equals("heads.sum.dense.weight")) {
        network.setParameter(parameter.path(), noise(parameter.shape().size(), 1));
      }
    }
    network.exportOnnx(folder.resolve("model.onnx"));
    writeFloats("rows", rows);
    Files.writeString(folder.resolve("batch"), String.format(Locale.ROOT, "%d %f", batch, SCALE));
    PythonWithTorch.run("onnx_gradients.py", folder);
    try (Network before = network.copy()) {
      Dataset data =
          Datasets.withTargets(examples(network, rows, batch), "sum", new float[batch][1]);
      Trainer.of(network)
          .optimizer(Sgd.withLearningRate(1))
          .loss("sum", LINEAR)
          .batchSize(batch)
          .shuffle(false)
          .steps(1)
          .fit(data);
      compare(before, network, tolerance);
    }
  }

  /** What the oracle has for a parameter; null if the exported model lacks it. */
  private float @Nullable [] gradient(ParameterSummary parameter) throws IOException {
    Path gradients = folder.resolve("gradients");
    String path = parameter.path();
    if (Files.exists(gradients.resolve(path))) {
      return readFloats(gradients.resolve(path));
    }
    String layer = path.substring(0, path.lastIndexOf('.'));
    Path table = gradients.resolve(layer + "_table"); // of positions
    if (Files.exists(table)) {
      return readFloats(table);
    }
    Path part = gradients.resolve(layer + "_" + path.substring(layer.length() + 1));
    if (!Files.exists(part)) {
      return null;
    }
    float[] values = readFloats(part);
    int[] dims = parameter.shape().dims();
    if (dims.length == 1) {
      return values;
    }
    float[] turned = new float[values.length]; // of a product with each position: [in, out]
    for (int i = 0; i < values.length; i++) {
      turned[i % dims[0] * dims[1] + i / dims[0]] = values[i];
    }
    return turned;
  }

  private void compare(Network before, Network after, double tolerance) throws IOException {
    double all = 0;
    int count = 0;
    for (ParameterSummary parameter : before.parameters()) {
      float[] expected = parameter.isBuffer() ? null : gradient(parameter);
      all = expected == null ? all : Math.max(all, norm(expected));
      count += parameter.isBuffer() ? 0 : 1;
    }
    int compared = 0;
    for (ParameterSummary parameter : before.parameters()) {
      float[] expected = parameter.isBuffer() ? null : gradient(parameter);
      if (expected == null) {
        continue;
      }
      float[] was = before.parameter(parameter.path());
      float[] is = after.parameter(parameter.path());
      assertEquals(expected.length, was.length, parameter.path());
      float[] difference = new float[was.length];
      for (int i = 0; i < was.length; i++) {
        difference[i] = was[i] - is[i] - expected[i];
      }
      double allowed = tolerance * norm(expected) + 1e-6 * all + 1e-6 * norm(was);
      double found = norm(difference);
      assertTrue(
          found <= allowed,
          () -> parameter.path() + ": difference " + found + " of " + norm(expected));
      compared++;
    }
    // The head's bias is a single number, of which the oracle has none.
    assertTrue(compared >= count - 2, "compared " + compared + " of " + count + " parameters");
  }

  /** Rows of all inputs side by side as a data set. */
  private static Dataset examples(Network network, float[] rows, int batch) {
    List<Dataset> parts = new ArrayList<>();
    int width = rows.length / batch;
    int at = 0;
    for (Input input : network.inputs()) {
      int size = input.shape().size();
      float[] values = new float[batch * size];
      for (int i = 0; i < batch; i++) {
        System.arraycopy(rows, i * width + at, values, i * size, size);
      }
      if (input.isInteger()) {
        int[] integers = new int[values.length];
        Arrays.setAll(integers, i -> (int) values[i]);
        parts.add(InputDatasets.integers(input.name(), integers, input.shape()));
      } else {
        parts.add(InputDatasets.named(input.name(), Datasets.of(values, input.shape())));
      }
      at += size;
    }
    assertEquals(width, at);
    return parts.size() == 1 ? parts.get(0) : InputDatasets.join(parts.toArray(Dataset[]::new));
  }

  /** What the model ends with, weighted at random, is what is differentiated. */
  private void checkImages(byte[] model, String input, Shape shape, double tolerance)
      throws Exception {
    ImportOptions options = ImportOptions.defaults().inputShape(input, shape);
    try (Network imported = Network.importOnnx(model, options);
        Network network = imported.transfer().head("sum", Head.values("v")).build(1)) {
      check(network, noise(3 * shape.size(), 1), 3, tolerance);
    }
  }

  @Test
  void readersOfText() throws Exception {
    byte[] model = resource("models/ch_ppocr_mobile_v2.0_cls_infer.onnx");
    checkImages(model, "x", Shape.image(3, 48, 96), TOLERANCE);
  }

  @Test
  void mobileNetV2() throws Exception {
    PythonWithTorch.run("export_backbones.py", folder, "mobilenet_v2");
    byte[] model = Files.readAllBytes(folder.resolve("mobilenet_v2.onnx"));
    checkImages(model, "image", Shape.image(3, 64, 64), THROUGH_MANY_NORMS);
  }

  @Test
  void miniLm() throws Exception {
    int length = 8;
    ImportOptions options = ImportOptions.defaults().dimension("sequence_length", length);
    try (Network imported = Network.importOnnx(resource("all-minilm-l6-v2.onnx"), options)) {
      String last = imported.layers().get(imported.layers().size() - 1).name();
      try (Network network =
          imported
              .transfer()
              .head(
                  "sum",
                  Head.layers(h -> h.tokenPool("", TokenPooling.MEAN, last, "lengths")).values("v"))
              .build(1)) {
        int width = network.inputs().stream().mapToInt(input -> input.shape().size()).sum();
        float[] rows = new float[2 * width];
        Random random = new Random(length);
        for (int i = 0; i < length; i++) {
          rows[i] = random.nextInt(30522);
          rows[width + i] = i < 5 ? random.nextInt(30522) : 0;
        }
        rows[width - 1] = length;
        rows[2 * width - 1] = 5;
        check(network, rows, 2, TOLERANCE);
      }
    }
  }
}
