// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.Shape;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Of a linear network one knows what each part says. */
class OcclusionTest {
  private static Predictor logits(Network network, float... weights) {
    network.setParameter("heads.t.dense.weight", weights);
    return network.predictor(PredictorOptions.defaults().logits());
  }

  @Test
  void partsSayWhatTheyAddToALinearLogit() {
    Shape shape = Shape.image(1, 4, 4);
    try (Network network = Network.builder(shape).head("t", Head.labels("a")).build(1)) {
      float[] weights = new float[16];
      weights[0] = 2; // in the first part
      weights[15] = -3; // in the last
      float[] input = new float[16];
      input[0] = 1;
      input[15] = 3;
      try (Predictor predictor = logits(network, weights)) {
        double[][] effects = Occlusion.ofParts(predictor, input, shape, 2);
        double mean = 4 / 16.0;
        double[] expected = {2 * (1 - mean), 0, 0, -3 * (3 - mean)};
        assertArrayEquals(
            expected, Arrays.stream(effects).mapToDouble(part -> part[0]).toArray(), 1e-6);
      }
    }
  }

  @Test
  void wordsSayWhatTheTextLosesWithoutThem() {
    try (Network network = Network.builder(Shape.vector(2)).head("t", Head.labels("a")).build(1)) {
      try (Predictor predictor = logits(network, 1.5f, -1)) {
        double[][] effects =
            Occlusion.ofWords(
                predictor,
                " good,  bad\ttree ",
                text -> new float[] {text.contains("good") ? 1 : 0, text.contains("bad") ? 1 : 0});
        assertEquals(3, effects.length);
        assertArrayEquals(
            new double[] {1.5, -1, 0},
            Arrays.stream(effects).mapToDouble(part -> part[0]).toArray(),
            1e-6);
        assertEquals(0, Occlusion.ofWords(predictor, "", text -> new float[2]).length);
      }
    }
  }

  /** More parts than pixels: some cover nothing. */
  @Test
  void partsMayBeSmallerThanPixels() {
    Shape shape = Shape.image(3, 2, 3);
    try (Network network = Network.builder(shape).head("t", Head.labels("a", "b")).build(1);
        Predictor predictor = network.predictor(PredictorOptions.defaults().logits())) {
      assertEquals(25, Occlusion.ofParts(predictor, new float[18], shape, 5).length);
    }
  }
}
