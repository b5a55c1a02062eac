// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PrecisionTest {
  private static final int INPUTS = 67;

  private final Network network =
      Network.builder(Shape.vector(INPUTS))
          .dense("first", 133)
          .relu()
          .head("answers", Head.labels("a", "b", "c", "d", "e"))
          .build(4);
  private final float[] inputs = new float[37 * INPUTS];

  PrecisionTest() {
    Random random = new Random(5);
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = (float) random.nextGaussian();
    }
  }

  @AfterEach
  void close() {
    network.close();
  }

  private static float toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    return Float.intBitsToFloat((bits + 0x7fff + (bits >>> 16 & 1)) & 0xffff0000);
  }

  private static float[] predict(Network network, Precision precision, float[] inputs) {
    PredictorOptions options = PredictorOptions.defaults().logits().precision(precision);
    try (Predictor predictor = network.predictor(options)) {
      return predictor.predict(inputs);
    }
  }

  @Test
  void bf16GivesTheBitsOfWeightsRoundedBefore() {
    try (Network rounded = network.copy()) {
      for (String path : List.of("first.weight", "heads.answers.dense.weight")) {
        float[] weights = rounded.parameter(path);
        for (int i = 0; i < weights.length; i++) {
          weights[i] = toBfloat16(weights[i]);
        }
        rounded.setParameter(path, weights);
      }
      float[] bf16 = predict(network, Precision.BF16_WEIGHTS, inputs);
      assertArrayEquals(predict(rounded, Precision.FP32, inputs), bf16);
      assertFalse(Arrays.equals(predict(network, Precision.FP32, inputs), bf16));
    }
  }

  @Test
  void convolutionsWithFewPositionsTakeBf16AndDescribeTellsWhichDoNot() {
    PredictorOptions options =
        PredictorOptions.defaults().logits().precision(Precision.BF16_WEIGHTS);
    try (Network images =
            Network.builder(Shape.image(64, 4, 4))
                .conv2d("wide", 64, 1)
                .maxPool2d(2)
                .conv2d("deep", 64, 3)
                .head("answers", Head.labels("a", "b"))
                .build(4);
        Network rounded = images.copy();
        Predictor bf16 = images.predictor(options)) {
      for (String path : List.of("deep.weight", "heads.answers.dense.weight")) {
        float[] weights = rounded.parameter(path);
        for (int i = 0; i < weights.length; i++) {
          weights[i] = toBfloat16(weights[i]);
        }
        rounded.setParameter(path, weights);
      }
      float[] pixels = Arrays.copyOf(inputs, 2 * 64 * 16);
      assertArrayEquals(predict(rounded, Precision.FP32, pixels), bf16.predict(pixels));
      String text = bf16.describe();
      assertTrue(text.contains("deep: 3 x 3, shifted rows, weights in bfloat16"), text);
      assertTrue(
          text.lines().anyMatch(l -> l.contains("wide") && l.contains("weights in float: few")),
          text);
    }
  }

  @Test
  void anExampleAloneHasTheBitsOfTheBatch() {
    float[] all = predict(network, Precision.BF16_WEIGHTS, inputs);
    for (int i : new int[] {0, 7, 36}) {
      float[] one = Arrays.copyOfRange(inputs, i * INPUTS, (i + 1) * INPUTS);
      assertArrayEquals(
          Arrays.copyOfRange(all, 5 * i, 5 * i + 5), predict(network, Precision.BF16_WEIGHTS, one));
    }
  }

  @Test
  void bf16TakesLessMemory() {
    PredictorOptions options = PredictorOptions.defaults();
    try (Predictor fp32 = network.predictor(options);
        Predictor bf16 = network.predictor(options.precision(Precision.BF16_WEIGHTS))) {
      assertTrue(bf16.nativeBytes() < fp32.nativeBytes());
    }
  }

  @Test
  void int8IsCloseHasTheBitsOfAnyBatchAndTakesLessMemory() {
    PredictorOptions options =
        PredictorOptions.defaults().logits().layers("second").threads(1).weightCopies(1);
    try (Network wide =
            Network.builder(Shape.vector(INPUTS))
                .dense("first", 256)
                .relu()
                .dense("second", 200)
                .head("answers", Head.labels("a", "b"))
                .build(4);
        Predictor fp32 = wide.predictor(options);
        Predictor int8 = wide.predictor(options.precision(Precision.INT8))) {
      float[] expected = fp32.predict(inputs);
      float[] got = int8.predict(inputs);
      double error = 0;
      double square = 0;
      for (int i = 0; i < got.length; i++) {
        error += Math.pow(got[i] - expected[i], 2);
        square += Math.pow(expected[i], 2);
      }
      assertTrue(error > 0 && Math.sqrt(error / square) < 0.02, "error " + error + " of " + square);
      float[] last = Arrays.copyOfRange(inputs, 36 * INPUTS, 37 * INPUTS);
      assertArrayEquals(Arrays.copyOfRange(got, 36 * 200, 37 * 200), int8.predict(last));
      String text = int8.describe();
      assertTrue(text.contains("first + relu1: product 67 x 256, in int8"), text);
      assertTrue(int8.nativeBytes() < fp32.nativeBytes());
    }
  }
}
