// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** One predictor for images of several sizes. */
class OtherShapesTest {
  private static final PredictorOptions ANY = PredictorOptions.defaults().otherShapes(2);

  private final Network network =
      Network.builder(Shape.image(1, 12, 10))
          .conv2d("conv", 6, 3)
          .relu("features")
          .globalAveragePool2d()
          .head("marks", Head.labels("dark", "round"))
          .build(3);

  @AfterEach
  void close() {
    network.close();
  }

  private static float[] image(Shape shape) {
    float[] values = new float[shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(i);
    }
    return values;
  }

  @Test
  void answersAsANetworkOfThatShape() {
    PredictorOptions options = ANY.heads("marks").layers("features");
    try (Predictor any = network.predictor(options)) {
      for (Shape shape :
          List.of(Shape.image(1, 7, 5), Shape.image(1, 40, 31), Shape.image(1, 12, 10))) {
        try (Predictor sized = any.forShape(shape);
            Network resized = network.transfer().inputShape(shape).build(1);
            Predictor expected = resized.predictor(options)) {
          assertEquals(shape, sized.inputShape());
          assertEquals(List.of(Input.floats("input", shape)), sized.inputs());
          assertEquals(2 + 6 * shape.size(), sized.outputSize());
          assertArrayEquals(expected.predict(image(shape)), sized.predict(image(shape)));
          Prediction named = sized.predictNamed(image(shape));
          assertEquals(6 * shape.size(), named.layer("features").length);
        }
      }
    }
  }

  @Test
  void whatItReturnsOutlivesIt() {
    Predictor any = network.predictor(ANY);
    Shape shape = Shape.image(1, 3, 3);
    try (Predictor sized = any.forShape(shape)) {
      any.close();
      assertEquals(2, sized.predict(image(shape)).length);
      assertThrows(ClosedException.class, () -> any.forShape(shape));
    }
  }

  @Test
  void keepsPlansThatNobodyHasOpen() {
    try (Predictor any = network.predictor(ANY)) {
      long before = any.nativeBytes();
      any.forShape(Shape.image(1, 30, 30)).close();
      long one = any.nativeBytes();
      assertTrue(one > before);
      any.forShape(Shape.image(1, 30, 30)).close();
      assertEquals(one, any.nativeBytes());
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (Predictor alone = network.predictor();
        Predictor any = network.predictor(ANY);
        Predictor sized = any.forShape(Shape.image(1, 3, 3))) {
      Shape shape = Shape.image(1, 4, 4);
      for (Predictor predictor : List.of(alone, sized)) {
        IllegalStateException error =
            assertThrows(IllegalStateException.class, () -> predictor.forShape(shape));
        assertTrue(error.getMessage().contains("otherShapes"), error.getMessage());
      }
      assertThrows(ShapeException.class, () -> any.forShape(Shape.image(2, 4, 4)));
      assertThrows(ShapeException.class, () -> any.forShape(Shape.vector(16)));
      assertThrows(NullPointerException.class, () -> any.forShape(null));
    }
    assertThrows(IllegalArgumentException.class, () -> ANY.otherShapes(-1));
    assertThrows(IllegalArgumentException.class, () -> ANY.otherShapes(1025));
  }
}
