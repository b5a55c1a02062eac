// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class UnlabelledTest {
  private static final int EXAMPLES = 70;

  private record Run(Map<String, float[]> parameters, History history) {}

  private static Run run(Dataset data) {
    try (Network network = Dots.rich(5)) {
      History history =
          Trainer.of(network)
              .epochs(10)
              .batchSize(13)
              .optimizer(Adam.withLearningRate(0.01))
              .fit(data);
      return new Run(Dots.parameters(network), history);
    }
  }

  private static void assertSame(Run expected, Run actual) {
    Dots.assertSameBits(expected.parameters, actual.parameters);
    for (int i = 0; i < expected.history.epochs().size(); i++) {
      assertEquals(
          expected.history.epochs().get(i).taskLosses(),
          actual.history.epochs().get(i).taskLosses());
    }
  }

  private static float[][] sides(Dots dots, int nan) {
    SplittableRandom random = new SplittableRandom(3);
    float[][] sides = new float[EXAMPLES][];
    for (int i = 0; i < EXAMPLES; i++) {
      sides[i] = dots.sides[i].clone();
      for (int j = 0; j < 2; j++) {
        if (random.nextInt(3) > 0) {
          sides[i][j] = Float.intBitsToFloat(nan);
        }
      }
    }
    return sides;
  }

  @Test
  void bitsBehindAnUnlabelledEntryChangeNothing() {
    Dots dots = new Dots(EXAMPLES, 1);
    Run first = run(Datasets.withTargets(dots.both(), "side", sides(dots, 0x7fc00000)));
    for (int nan : new int[] {0xffc00000, 0x7fc12345, 0xffffffff, 0x7f800001}) {
      assertSame(first, run(Datasets.withTargets(dots.both(), "side", sides(dots, nan))));
    }
  }

  @Test
  void aTargetThatIsNotThereEqualsAnUnlabelledOne() {
    Dots dots = new Dots(EXAMPLES, 1);
    float[][] sides = sides(dots, 0x7fc00000);
    int[] quarters = dots.quarters.clone();
    Arrays.fill(quarters, 0, 20, -1);
    for (int i = 20; i < EXAMPLES; i++) {
      Arrays.fill(sides[i], Float.NaN);
    }
    Dataset whole =
        Datasets.withTargets(
            Datasets.withClasses(Datasets.of(dots.pictures, Dots.PICTURE), "quarter", quarters),
            "side",
            sides);
    Dataset joined =
        Datasets.concat(
            Datasets.range(
                Datasets.withTargets(Datasets.of(dots.pictures, Dots.PICTURE), "side", sides),
                0,
                20),
            Datasets.range(
                Datasets.withClasses(Datasets.of(dots.pictures, Dots.PICTURE), "quarter", quarters),
                20,
                EXAMPLES));
    assertSame(run(whole), run(joined));
  }

  @Test
  void aLabelMatters() {
    Dots dots = new Dots(EXAMPLES, 1);
    float[][] other = sides(dots, 0x7fc00000);
    for (float[] row : other) {
      if (!Float.isNaN(row[0])) {
        row[0] = 1 - row[0];
        break;
      }
    }
    Run first = run(Datasets.withTargets(dots.both(), "side", sides(dots, 0x7fc00000)));
    Run second = run(Datasets.withTargets(dots.both(), "side", other));
    assertFalse(
        Arrays.equals(first.parameters.get("conv1.weight"), second.parameters.get("conv1.weight")));
  }

  @Test
  void nothingLabelledChangesNothing() {
    Dots dots = new Dots(EXAMPLES, 1);
    for (float[] row : dots.sides) {
      Arrays.fill(row, Float.NaN);
    }
    Arrays.fill(dots.quarters, -1);
    try (Network network =
        Dots.backbone()
            .head("quarter", Head.classes(4))
            .head("side", Head.labels("low", "right"))
            .build(2)) {
      Map<String, float[]> before = Dots.parameters(network);
      History history =
          Trainer.of(network).optimizer(AdamW.withLearningRate(0.1)).epochs(2).fit(dots.both());
      Dots.assertSameBits(before, Dots.parameters(network));
      assertEquals(0, history.last().loss());
      Evaluation evaluation = network.evaluate(dots.both());
      assertEquals(0, evaluation.loss());
      assertFalse(evaluation.task("side").metric("macro_auc").isDefined());
      assertEquals(0, evaluation.task("side").metric("macro_auc").support());
    }
  }

  @Test
  void aLabelWithoutAnswersKeepsItsColumn() {
    Dots dots = new Dots(EXAMPLES, 1);
    for (float[] row : dots.sides) {
      row[1] = Float.NaN;
    }
    try (Network network = Dots.labeller(2)) {
      float[] weight = network.parameter("heads.side.dense.weight");
      Trainer.of(network).optimizer(AdamW.withLearningRate(0.1)).epochs(3).fit(dots.labels());
      float[] trained = network.parameter("heads.side.dense.weight");
      assertArrayEquals(Arrays.copyOfRange(weight, 16, 32), Arrays.copyOfRange(trained, 16, 32));
      assertFalse(
          Arrays.equals(Arrays.copyOfRange(weight, 0, 16), Arrays.copyOfRange(trained, 0, 16)));
    }
  }

  @Test
  void refusesTargetsOutOfRangeByExampleAndLabel() {
    try (Network network = Dots.rich(1)) {
      Dots dots = new Dots(EXAMPLES, 1);
      for (float wrong : new float[] {-0.1f, 1.1f, Float.POSITIVE_INFINITY}) {
        dots.sides[17][1] = wrong;
        IllegalArgumentException error =
            assertThrows(
                IllegalArgumentException.class, () -> Trainer.of(network).fit(dots.both()));
        assertTrue(error.getMessage().contains("17"), error.getMessage());
        assertTrue(error.getMessage().contains("right"), error.getMessage());
        assertThrows(IllegalArgumentException.class, () -> network.evaluate(dots.both()));
      }
      dots.sides[17][1] = 1;
      for (int wrong : new int[] {-2, 4, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
        dots.quarters[33] = wrong;
        IllegalArgumentException error =
            assertThrows(
                IllegalArgumentException.class, () -> Trainer.of(network).fit(dots.both()));
        assertTrue(error.getMessage().contains("33"), error.getMessage());
      }
    }
  }

  @Test
  void refusesTasksThatDoNotFitByNamingBothSides() {
    Dots dots = new Dots(10, 1);
    try (Network two = Dots.rich(1);
        Network one = Dots.labeller(1)) {
      IllegalArgumentException error =
          assertThrows(
              IllegalArgumentException.class,
              () -> Trainer.of(two).fit(Datasets.forTask(dots.classes(), "quater")));
      assertTrue(error.getMessage().contains("[quarter, side]"), error.getMessage());
      assertTrue(error.getMessage().contains("quater"), error.getMessage());
      assertThrows(IllegalArgumentException.class, () -> Trainer.of(two).fit(dots.classes()));
      assertThrows(IllegalArgumentException.class, () -> Trainer.of(one).fit(dots.classes()));
      Dataset three = Datasets.withTargets(dots.labels(), "", new float[10][3]);
      assertThrows(ShapeException.class, () -> Trainer.of(one).fit(three));
      Dataset none = Datasets.withoutTargets(dots.labels());
      assertThrows(IllegalArgumentException.class, () -> Trainer.of(one).fit(none));
      Dataset turned = Datasets.reshape(dots.labels(), Shape.image(1, 4, 16));
      assertThrows(ShapeException.class, () -> Trainer.of(one).fit(turned));
      Dataset empty = Datasets.range(dots.labels(), 0, 0);
      assertThrows(IllegalArgumentException.class, () -> Trainer.of(one).fit(empty));
      Trainer.of(one).epochs(1).fit(Datasets.reshape(dots.labels(), Shape.vector(64)));
    }
  }
}
