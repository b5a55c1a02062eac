// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class QuantizationTest {
  private static final Shape IMAGE = Shape.image(64, 4, 4);

  private static Network network() {
    return Network.builder(IMAGE)
        .conv2d("spatial", 64, 3)
        .batchNorm("norm")
        .relu()
        .conv2d("pixel", 96, 1)
        .relu()
        .dense("wide", 80)
        .relu()
        .dense("few", 4)
        .relu()
        .head("kind", Head.classes("a", "b"))
        .build(4);
  }

  private static float[] inputs(int examples) {
    Random random = new Random(3);
    float[] inputs = new float[examples * IMAGE.size()];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = (float) random.nextGaussian();
    }
    return inputs;
  }

  @Test
  void saysWhatEachLayerHasAndLoses() {
    float[] inputs = inputs(5);
    try (Network network = network()) {
      Quantization report = Quantization.measure(network, Datasets.of(inputs, IMAGE));
      assertEquals(
          List.of("spatial", "pixel", "wide", "few", "heads.kind.dense"),
          report.layers().stream().map(Quantization.Layer::name).toList());
      assertEquals(
          List.of("not 1 x 1 of stride 1", "", "", "few", "a head's output"),
          report.layers().stream().map(Quantization.Layer::floatReason).toList());
      Quantization.Layer pixel = report.layers().get(1);
      assertEquals("conv2d", pixel.kind());
      assertEquals(96 * 64, pixel.weights());
      assertEquals(96 * 64 + 96 * 4, pixel.bytes());
      assertEquals(4 * 64 * 64 * 9, report.layers().get(0).bytes());
      for (Quantization.Layer layer : report.layers()) {
        assertTrue(layer.greatest() > 0 && layer.spread() >= 1, layer.toString());
        assertEquals(layer.isInt8(), layer.error() > 0 && layer.error() < 0.02, layer.toString());
        assertEquals(layer.isInt8(), layer.effect() > 0 && layer.effect() < 0.05, layer.toString());
      }
      assertTrue(
          report.mostAffected().get(0).effect() >= report.mostAffected().get(1).effect(),
          report.toString());
      for (String part : List.of("float: not 1 x 1", "INT8", "all of INT8 together: effect 0.")) {
        assertTrue(report.toString().contains(part), report.toString());
      }
      // All others are in float, as all are below the first one in 8 bits.
      PredictorOptions options = PredictorOptions.defaults().layers("pixel");
      try (Predictor exact = network.predictor(options);
          Predictor rounded = network.predictor(options.precision(Precision.INT8))) {
        assertEquals(
            RelativeDifference.of(exact.predict(inputs), rounded.predict(inputs)),
            pixel.error(),
            1e-12);
      }
      PredictorOptions logits = PredictorOptions.defaults().logits();
      try (Predictor exact = network.predictor(logits);
          Predictor rounded = network.predictor(logits.precision(Precision.INT8));
          Predictor pixelAlone =
              network.predictor(logits.precision(Precision.INT8).keepFloat("wide"))) {
        float[] expected = exact.predict(inputs);
        assertEquals(
            RelativeDifference.of(expected, rounded.predict(inputs)), report.effect(), 1e-12);
        assertEquals(
            RelativeDifference.of(expected, pixelAlone.predict(inputs)), pixel.effect(), 1e-12);
      }
    }
  }

  @Test
  void whatIsKeptInFloatIsSo() {
    Dataset examples = Datasets.of(inputs(2), IMAGE);
    try (Network network = network()) {
      PredictorOptions options = PredictorOptions.defaults().keepFloat("pixel", "wide");
      Quantization report = Quantization.measure(network, examples, options);
      assertEquals("as asked for", report.layers().get(1).floatReason());
      assertEquals(0, report.effect());
      assertEquals(List.of(), report.mostAffected());
      // Layers are answers, too, and nothing below them counts.
      Quantization below =
          Quantization.measure(network, examples, PredictorOptions.defaults().layers("relu2"));
      assertTrue(below.layers().get(1).effect() > 0, below.toString());
      assertEquals(0, below.layers().get(2).effect(), below.toString());
      assertTrue(below.layers().get(2).error() > 0, below.toString());
    }
  }

  @Test
  void mistakesAreNamed() {
    try (Network network = network()) {
      Dataset examples = Datasets.of(inputs(2), IMAGE);
      IllegalArgumentException error =
          assertThrows(
              IllegalArgumentException.class,
              () -> network.predictor(PredictorOptions.defaults().keepFloat("pixle")));
      assertTrue(error.getMessage().contains("did you mean 'pixel'"), error.getMessage());
      assertThrows(
          IllegalArgumentException.class,
          () -> Quantization.measure(network, Datasets.range(examples, 0, 0)));
      assertThrows(
          ShapeException.class,
          () -> Quantization.measure(network, Datasets.of(inputs(2), Shape.vector(8))));
      assertFalse(network.isClosed());
    }
  }
}
