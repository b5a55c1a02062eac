// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

/**
 * Networks of today, built from the library's verbs, have as many parameters as torchvision's, and
 * make of the same parameters what PyTorch makes: see cpp/testdata/backbones_golden.py.
 */
class BackbonesTest {
  private static final int SIDE = 64;
  private static final int CLASSES = 1000;
  private static final LayerOptions NO_BIAS = LayerOptions.defaults().noBias();

  /** Convolutions with PyTorch's padding, batch norm and an activation; "": none. */
  private record Units(double epsilon) {
    NetworkBuilder unit(
        NetworkBuilder b, String name, int channels, int kernel, int stride, String activation) {
      return after(
          b.conv2d(name, channels, kernel, NO_BIAS.stride(stride).padding(kernel / 2)),
          name,
          activation);
    }

    NetworkBuilder depthwise(NetworkBuilder b, int kernel, int stride, String activation) {
      LayerOptions options = NO_BIAS.stride(stride).padding(kernel / 2);
      return after(b.depthwiseConv2d("depthwise", kernel, options), "depthwise", activation);
    }

    NetworkBuilder after(NetworkBuilder b, String name, String activation) {
      b.batchNorm(name + ".norm", LayerOptions.defaults().epsilon(epsilon));
      return activation.isEmpty()
          ? b
          : b.layer(name + ".activation", activation, LayerOptions.defaults());
    }
  }

  /** Tan and Le 2019, arXiv:1905.11946. */
  private static NetworkBuilder efficientNetB0(Shape input) {
    Units units = new Units(1e-5);
    int[][] stages = { // expansion, kernel, stride, channels, blocks
      {1, 3, 1, 16, 1},
      {6, 3, 2, 24, 2},
      {6, 5, 2, 40, 2},
      {6, 3, 2, 80, 3},
      {6, 5, 1, 112, 3},
      {6, 5, 2, 192, 4},
      {6, 3, 1, 320, 1}
    };
    NetworkBuilder builder = units.unit(Network.builder(input), "stem", 32, 3, 2, "silu");
    int channels = 32;
    for (int stage = 0; stage < stages.length; stage++) {
      int[] s = stages[stage];
      for (int i = 0; i < s[4]; i++) {
        int in = channels;
        int wide = in * s[0];
        int stride = i == 0 ? s[2] : 1;
        builder.block(
            "stage" + (stage + 1) + "." + i,
            b -> {
              if (wide != in) {
                units.unit(b, "expand", wide, 1, 1, "silu");
              }
              units
                  .depthwise(b, s[1], stride, "silu")
                  .squeezeExcitation("se", wide, in / 4, "silu", "sigmoid");
              units.unit(b, "project", s[3], 1, 1, "");
              if (stride == 1 && in == s[3]) {
                b.add("sum", "project.norm", "input");
              }
            });
        channels = s[3];
      }
    }
    return units.unit(builder, "last", 1280, 1, 1, "silu").globalAveragePool2d().dropout(0.2);
  }

  /** Howard et al. 2019, arXiv:1905.02244. */
  private static NetworkBuilder mobileNetV3Small(Shape input) {
    Units units = new Units(1e-3);
    int[][] blocks = { // kernel, expanded, channels, squeezed (0: not), hard swish, stride
      {3, 16, 16, 8, 0, 2},
      {3, 72, 24, 0, 0, 2},
      {3, 88, 24, 0, 0, 1},
      {5, 96, 40, 24, 1, 2},
      {5, 240, 40, 64, 1, 1},
      {5, 240, 40, 64, 1, 1},
      {5, 120, 48, 32, 1, 1},
      {5, 144, 48, 40, 1, 1},
      {5, 288, 96, 72, 1, 2},
      {5, 576, 96, 144, 1, 1},
      {5, 576, 96, 144, 1, 1}
    };
    NetworkBuilder builder = units.unit(Network.builder(input), "stem", 16, 3, 2, "hard_swish");
    int channels = 16;
    for (int i = 0; i < blocks.length; i++) {
      int[] s = blocks[i];
      int in = channels;
      String activation = s[4] == 1 ? "hard_swish" : "relu";
      builder.block(
          "block" + (i + 1),
          b -> {
            if (s[1] != in) {
              units.unit(b, "expand", s[1], 1, 1, activation);
            }
            units.depthwise(b, s[0], s[5], activation);
            if (s[3] > 0) {
              b.squeezeExcitation("se", s[1], s[3], "relu", "hard_sigmoid");
            }
            units.unit(b, "project", s[2], 1, 1, "");
            if (s[5] == 1 && in == s[2]) {
              b.add("sum", "project.norm", "input");
            }
          });
      channels = s[2];
    }
    return units
        .unit(builder, "last", 576, 1, 1, "hard_swish")
        .globalAveragePool2d()
        .dense("hidden", 1024)
        .hardSwish()
        .dropout(0.2);
  }

  /** He et al. 2015, arXiv:1512.03385. */
  private static NetworkBuilder resNet18(Shape input) {
    Units units = new Units(1e-5);
    LayerOptions pool = LayerOptions.defaults().stride(2).padding(1);
    NetworkBuilder builder =
        units.unit(Network.builder(input), "stem", 64, 7, 2, "relu").maxPool2d("pool", 3, pool);
    for (int i = 0; i < 8; i++) {
      int channels = 64 << (i / 2);
      int stride = i % 2 == 0 && i > 0 ? 2 : 1;
      builder.block(
          "layer" + (i / 2 + 1) + "." + i % 2,
          b -> {
            units.unit(b, "conv1", channels, 3, stride, "relu");
            units.unit(b, "conv2", channels, 3, 1, "");
            if (stride > 1) {
              units.unit(b.from("input"), "shortcut", channels, 1, stride, "");
            }
            b.add("sum", "conv2.norm", stride > 1 ? "shortcut.norm" : "input").relu();
          });
    }
    return builder.globalAveragePool2d();
  }

  /** Numbers from -1 to 1 that follow from a name. */
  private static double[] numbers(String name, int count) {
    CRC32 seed = new CRC32();
    seed.update(name.getBytes(StandardCharsets.UTF_8));
    double[] numbers = new double[count];
    for (int i = 0; i < count; i++) {
      int hash = i * (int) 2654435761L + (int) seed.getValue();
      hash = (hash ^ hash >>> 15) * (int) 2246822519L;
      hash = (hash ^ hash >>> 13) * (int) 3266489917L;
      numbers[i] = (hash >>> 15) / 65536.0 - 1;
    }
    return numbers;
  }

  private static void setParameters(Network network) {
    for (ParameterSummary parameter : network.parameters()) {
      String path = parameter.path();
      int[] dims = parameter.shape().dims();
      int count = Arrays.stream(dims).reduce(1, (a, b) -> a * b);
      double[] numbers = numbers(path, count);
      float[] values = new float[count];
      for (int i = 0; i < count; i++) {
        double x = numbers[i];
        if (path.endsWith(".running_var")) {
          x = 1 + x / 2;
        } else if (dims.length > 1) {
          x *= Math.sqrt(6.0 / (count / dims[0]));
        } else {
          x = (path.endsWith(".weight") ? 1 : 0) + x / 4;
        }
        values[i] = (float) x;
      }
      network.setParameter(path, values);
    }
  }

  /** The logits of network {@code index} in the golden file. */
  private static float[] golden(int index) throws IOException {
    Path file =
        Path.of(System.getProperty("basedir", "."), "../../cpp/testdata/backbones_golden.bin");
    float[] logits = new float[CLASSES];
    ByteBuffer.wrap(Files.readAllBytes(file))
        .order(ByteOrder.LITTLE_ENDIAN)
        .position(index * CLASSES * Float.BYTES)
        .asFloatBuffer()
        .get(logits);
    return logits;
  }

  private static void check(NetworkBuilder builder, int index, long parameters) throws IOException {
    try (Network network = builder.head("kind", Head.classes(CLASSES)).build(1)) {
      assertEquals(
          parameters,
          network.parameters().stream()
              .filter(parameter -> !parameter.isBuffer())
              .mapToLong(p -> Arrays.stream(p.shape().dims()).reduce(1, (a, b) -> a * b))
              .sum());
      setParameters(network);
      double[] numbers = numbers("image", 3 * SIDE * SIDE);
      float[] image = new float[numbers.length];
      for (int i = 0; i < image.length; i++) {
        image[i] = (float) numbers[i];
      }
      try (Predictor predictor = network.predictor(PredictorOptions.defaults().logits())) {
        float[] expected = golden(index);
        float[] got = predictor.predict(image);
        double error = 0;
        double norm = 0;
        for (int i = 0; i < CLASSES; i++) {
          error += Math.pow((double) got[i] - expected[i], 2);
          norm += Math.pow(expected[i], 2);
        }
        assertTrue(Math.sqrt(error / norm) <= 1e-5, "relative error " + Math.sqrt(error / norm));
      }
      learns(network, image);
    }
  }

  /** A step reaches the first weights. */
  private static void learns(Network network, float[] image) {
    float[] stem = network.parameter("stem.weight");
    float[] inputs = Arrays.copyOf(image, 2 * image.length);
    Trainer.of(network)
        .epochs(1)
        .fit(
            Datasets.withClasses(
                Datasets.of(inputs, Shape.image(3, SIDE, SIDE)), "kind", new int[] {1, 7}));
    assertFalse(Arrays.equals(stem, network.parameter("stem.weight")));
  }

  @Test
  void efficientNetB0IsPyTorchs() throws IOException {
    check(efficientNetB0(Shape.image(3, SIDE, SIDE)), 0, 5_288_548);
  }

  @Test
  void mobileNetV3SmallIsPyTorchs() throws IOException {
    check(mobileNetV3Small(Shape.image(3, SIDE, SIDE)), 1, 2_542_856);
  }

  @Test
  void resNet18IsPyTorchs() throws IOException {
    check(resNet18(Shape.image(3, SIDE, SIDE)), 2, 11_689_512);
  }
}
