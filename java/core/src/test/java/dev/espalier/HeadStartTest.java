// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** How the output layers of new heads start, and that they learn from there. */
class HeadStartTest {
  private static final String[] SIDES = {"low", "right"};
  private static final float NAN = Float.NaN;

  private static float[] weight(Network network, String head) {
    return network.parameter("heads." + head + ".dense.weight");
  }

  private static float[] bias(Network network, String head) {
    return network.parameter("heads." + head + ".dense.bias");
  }

  private static boolean isZero(float[] values) {
    for (float value : values) {
      if (value != 0) {
        return false;
      }
    }
    return true;
  }

  private static float largest(float[] values) {
    float largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  @Test
  void zerosOnFrozenFeaturesElseDrawn() {
    try (Network network = Dots.classifier(1);
        Network frozen =
            network.transfer().freezeThrough("features").head("side", Head.labels(SIDES)).build(2);
        Network open = network.transfer().head("side", Head.labels(SIDES)).build(2)) {
      assertTrue(isZero(weight(frozen, "side")));
      assertFalse(isZero(weight(frozen, "quarter")));
      assertFalse(isZero(weight(open, "side")));
      assertTrue(largest(weight(open, "side")) <= 1 / Math.sqrt(16));
    }
  }

  @Test
  void anInitializerOfEachKindOfHead() {
    try (Network network =
        Network.builder(Shape.vector(50))
            .head("labels", Head.labels(SIDES).initializer(Initializer.SMALL_NORMAL).weight(2))
            .head("classes", Head.classes(3).initializer(Initializer.HE_UNIFORM))
            .head("values", Head.values("x").weight(2).initializer(Initializer.STANDARD_UNIFORM))
            .head("default", Head.labels(SIDES))
            .build(1)) {
      assertEquals(0.03, largest(weight(network, "labels")), 0.015);
      assertEquals(Math.sqrt(6.0 / 50), largest(weight(network, "classes")), 0.01);
      assertEquals(1 / Math.sqrt(50), largest(weight(network, "values")), 0.01);
      assertTrue(isZero(weight(network, "default")));
    }
  }

  /** Labels, classes and values, several of each, side by side, on frozen random features. */
  @Test
  void headsFromZerosLearn() {
    Dots dots = new Dots(600, 1);
    Dots test = new Dots(200, 3);
    try (Network trained = Dots.classifier(1)) {
      Trainer.of(trained).epochs(10).fit(dots.classes());
      try (Network network =
          trained
              .transfer()
              .dropHead("quarter")
              .freezeThrough("features")
              .head("quarter", Head.classes(4))
              .head("side", Head.labels(SIDES))
              .head("place", Head.layers(h -> h.dense(8).relu()).values(SIDES))
              .build(1)) {
        assertTrue(isZero(weight(network, "quarter")));
        assertTrue(isZero(weight(network, "place")));
        Trainer.of(network)
            .optimizer(AdamW.withLearningRate(0.01))
            .epochs(30)
            .fit(Datasets.withTargets(dots.both(), "place", dots.sides));
        Evaluation evaluation =
            network.evaluate(Datasets.withTargets(test.both(), "place", test.sides));
        assertTrue(
            evaluation.task("quarter").metric("accuracy").value() > 0.9, evaluation::toString);
        assertTrue(
            evaluation.task("side").metric("hamming_loss").value() < 0.1, evaluation::toString);
        assertTrue(evaluation.task("place").loss() < 0.25, evaluation::toString);
      }
    }
  }

  @Test
  void aBackboneUnderZerosLearnsToo() {
    Head head = Head.classes(4).initializer(Initializer.ZEROS);
    try (Network network = Dots.backbone().head("quarter", head).build(1)) {
      Trainer.of(network)
          .optimizer(AdamW.withLearningRate(0.01))
          .epochs(15)
          .fit(new Dots(600, 1).classes());
      double accuracy = network.evaluate(new Dots(200, 3).classes()).metric("accuracy").value();
      assertTrue(accuracy > 0.9, "accuracy " + accuracy);
    }
  }

  @Test
  void biasesOfLabelsAreSmoothedLogitsOfTheLabelledEntries() {
    float[][] inputs = new float[4][3];
    float[][] targets = {{1, 1, NAN, 0.5f}, {1, 0, NAN, NAN}, {1, NAN, NAN, 0}, {1, 0, NAN, NAN}};
    try (Network network =
        Network.builder(Shape.vector(3)).head("h", Head.labels("a", "b", "c", "d")).build(1)) {
      network.initializeBias("h", Datasets.of(inputs, targets));
      assertArrayEquals(
          new float[] {
            (float) Math.log(5), (float) Math.log(2.0 / 3), 0, (float) Math.log(1.5 / 2.5)
          },
          bias(network, "h"),
          1e-6f);
      try (Predictor predictor = network.predictor()) {
        assertEquals(5f / 6, predictor.predict(new float[3])[0], 1e-6f);
      }
    }
  }

  @Test
  void biasesOfClassesAreLogPriors() {
    int[] classes = {0, 0, 0, 2, -1};
    try (Network network = Network.builder(Shape.vector(1)).head("h", Head.classes(3)).build(1)) {
      network.initializeBias("h", Datasets.ofClasses(new float[5], Shape.vector(1), classes));
      float[] bias = bias(network, "h");
      assertEquals(Math.log(4), bias[0] - bias[1], 1e-6);
      assertEquals(Math.log(2), bias[2] - bias[1], 1e-6);
      assertEquals(0, bias[0] + bias[1] + bias[2], 1e-6);
    }
  }

  @Test
  void biasesOfValuesAreMeans() {
    float[][] targets = {{100, NAN, 4}, {300, NAN, NAN}};
    try (Network network =
        Network.builder(Shape.vector(1)).head("h", Head.values("x", "y", "z")).build(1)) {
      network.initializeBias("h", Datasets.of(new float[2][1], targets));
      assertArrayEquals(new float[] {200, 0, 4}, bias(network, "h"));
    }
  }

  @Test
  void onlyTheNamedTasksBiasChanges() {
    Dots dots = new Dots(40, 1);
    try (Network network = Dots.rich(1);
        Network before = network.copy()) {
      network.initializeBias("side", dots.both());
      assertFalse(isZero(bias(network, "side")));
      network.setParameter("heads.side.dense.bias", bias(before, "side"));
      Dots.assertSameBits(before, network);
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    Dots dots = new Dots(40, 1);
    try (Network network = Dots.rich(1)) {
      String unknown =
          assertThrows(
                  IllegalArgumentException.class, () -> network.initializeBias("x", dots.both()))
              .getMessage();
      assertTrue(unknown.contains("expected one of [quarter, side], got x"), unknown);
      Dataset quarters = Datasets.forTask(dots.classes(), "quarter");
      String absent =
          assertThrows(
                  IllegalArgumentException.class, () -> network.initializeBias("side", quarters))
              .getMessage();
      assertTrue(absent.contains("expected targets of task \"side\""), absent);
      Dots wrong = new Dots(40, 1);
      wrong.sides[3][1] = 7;
      assertThrows(
          IllegalArgumentException.class, () -> network.initializeBias("side", wrong.both()));
      assertTrue(isZero(bias(network, "side")));
    }
    Network closed = Dots.labeller(1);
    closed.close();
    assertThrows(IllegalStateException.class, () -> closed.initializeBias("side", dots.labels()));
  }
}
