// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Networks of today, built from the library's verbs, have as many parameters as torchvision's. */
class BackbonesTest {
  private static final LayerOptions NO_BIAS = LayerOptions.defaults().noBias();

  /** A convolution with PyTorch's padding, batch norm and an activation; "": none. */
  private static NetworkBuilder convolution(
      NetworkBuilder b, String name, int channels, int kernel, int stride, String activation) {
    LayerOptions options = NO_BIAS.stride(stride).padding(kernel / 2);
    b.conv2d(name, channels, kernel, options).batchNorm(name + ".norm");
    return activation.isEmpty()
        ? b
        : b.layer(name + ".activation", activation, LayerOptions.defaults());
  }

  private static NetworkBuilder depthwise(
      NetworkBuilder b, int kernel, int stride, String activation) {
    return b.depthwiseConv2d("depthwise", kernel, NO_BIAS.stride(stride).padding(kernel / 2))
        .batchNorm("depthwise.norm")
        .layer("depthwise.activation", activation, LayerOptions.defaults());
  }

  /** Tan and Le 2019, arXiv:1905.11946. */
  private static NetworkBuilder efficientNetB0(Shape input) {
    int[][] stages = { // expansion, kernel, stride, channels, blocks
      {1, 3, 1, 16, 1},
      {6, 3, 2, 24, 2},
      {6, 5, 2, 40, 2},
      {6, 3, 2, 80, 3},
      {6, 5, 1, 112, 3},
      {6, 5, 2, 192, 4},
      {6, 3, 1, 320, 1}
    };
    NetworkBuilder builder = convolution(Network.builder(input), "stem", 32, 3, 2, "silu");
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
                convolution(b, "expand", wide, 1, 1, "silu");
              }
              depthwise(b, s[1], stride, "silu")
                  .squeezeExcitation("se", wide, in / 4, "silu", "sigmoid");
              convolution(b, "project", s[3], 1, 1, "");
              if (stride == 1 && in == s[3]) {
                b.add("sum", "project.norm", "input");
              }
            });
        channels = s[3];
      }
    }
    return convolution(builder, "last", 1280, 1, 1, "silu").globalAveragePool2d().dropout(0.2);
  }

  /** Howard et al. 2019, arXiv:1905.02244. */
  private static NetworkBuilder mobileNetV3Small(Shape input) {
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
    NetworkBuilder builder = convolution(Network.builder(input), "stem", 16, 3, 2, "hard_swish");
    int channels = 16;
    for (int i = 0; i < blocks.length; i++) {
      int[] s = blocks[i];
      int in = channels;
      String activation = s[4] == 1 ? "hard_swish" : "relu";
      builder.block(
          "block" + (i + 1),
          b -> {
            if (s[1] != in) {
              convolution(b, "expand", s[1], 1, 1, activation);
            }
            depthwise(b, s[0], s[5], activation);
            if (s[3] > 0) {
              b.squeezeExcitation("se", s[1], s[3], "relu", "hard_sigmoid");
            }
            convolution(b, "project", s[2], 1, 1, "");
            if (s[5] == 1 && in == s[2]) {
              b.add("sum", "project.norm", "input");
            }
          });
      channels = s[2];
    }
    return convolution(builder, "last", 576, 1, 1, "hard_swish")
        .globalAveragePool2d()
        .dense(1024)
        .hardSwish()
        .dropout(0.2);
  }

  private static long parameters(Network network) {
    return network.parameters().stream()
        .filter(parameter -> !parameter.isBuffer())
        .mapToLong(parameter -> Arrays.stream(parameter.shape().dims()).reduce(1, (a, b) -> a * b))
        .sum();
  }

  /** Predicts, and takes a step that changes the first and the last weights. */
  private static void works(Network network) {
    int floats = 3 * 32 * 32;
    float[] inputs = new float[2 * floats];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = (i * 37 % 101) / 50f - 1;
    }
    try (Predictor predictor = network.predictor()) {
      for (float output : predictor.predict(Arrays.copyOf(inputs, floats))) {
        assertTrue(output > 0 && output < 1);
      }
    }
    float[] stem = network.parameter("stem.weight");
    Trainer.of(network)
        .epochs(1)
        .fit(
            Datasets.withClasses(
                Datasets.of(inputs, Shape.image(3, 32, 32)), "kind", new int[] {1, 7}));
    assertTrue(!Arrays.equals(stem, network.parameter("stem.weight")));
  }

  @Test
  void efficientNetB0HasItsParameters() {
    try (Network network =
        efficientNetB0(Shape.image(3, 32, 32)).head("kind", Head.classes(1000)).build(1)) {
      assertEquals(5_288_548, parameters(network));
      works(network);
    }
  }

  @Test
  void mobileNetV3SmallHasItsParameters() {
    try (Network network =
        mobileNetV3Small(Shape.image(3, 32, 32)).head("kind", Head.classes(1000)).build(1)) {
      assertEquals(2_542_856, parameters(network));
      works(network);
    }
  }
}
