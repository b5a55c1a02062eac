// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Shape;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Pictures whose pixels all have the example's number tell what was mixed. */
class MixingTest {
  private static final int COUNT = 400;
  private static final Shape SHAPE = Shape.image(1, 10, 10);
  private static final Augmentation ALL_MIXED = Augmentation.ofRange(0, 1).mixedShare(1);

  /** Example i is of i everywhere. */
  private static Dataset numbered() {
    float[] values = new float[COUNT * 100];
    for (int i = 0; i < values.length; i++) {
      values[i] = i / 100;
    }
    return Datasets.of(values, SHAPE);
  }

  /** Answers of two labels: the first is known of even examples, the second of all. */
  private static float[][] answers() {
    float[][] answers = new float[COUNT][];
    for (int i = 0; i < COUNT; i++) {
      answers[i] = new float[] {i % 2 == 0 ? i / 2 % 2 : Float.NaN, i / 7 % 2};
    }
    return answers;
  }

  /** The other example of a mixture, found in its picture, and the share that is not its. */
  private record Found(int other, double own) {}

  private static Found inCutMix(int example, float[] picture) {
    int other = example;
    int count = 0;
    for (float value : picture) {
      if (value != example) {
        other = (int) value;
        count++;
      }
    }
    for (float value : picture) {
      assertTrue(value == example || value == other);
    }
    return new Found(other, 1 - count / 100.0);
  }

  @Test
  void labelsOfCutMixAreKnownWhereBothAre() {
    float[][] answers = answers();
    Dataset mixed = ALL_MIXED.cutMix(1).apply(Datasets.withTargets(numbered(), "", answers), 7);
    int known = 0;
    for (int i = 0; i < COUNT; i++) {
      Found found = inCutMix(i, Datasets.input(mixed, i));
      float[] target = Datasets.target(mixed, "", i);
      for (int j = 0; j < 2; j++) {
        float own = answers[i][j];
        float other = answers[found.other()][j];
        double expected =
            found.own() == 1
                ? own
                : found.own() == 0 ? other : found.own() * own + (1 - found.own()) * other;
        assertEquals(expected, target[j], 1e-6, "label " + j + " of " + i);
      }
      known += Float.isNaN(target[0]) ? 0 : 1;
    }
    assertEquals(0.25 * COUNT, known, 30, "half of the answers, squared, and what is not mixed");
  }

  @Test
  void labelsOfMixupAreKnownWhereBothAre() {
    float[][] answers = answers();
    Dataset data = Datasets.withTargets(numbered(), "", answers);
    Augmentation mixup = ALL_MIXED.mixup(1);
    Dataset mixed = mixup.apply(data, 7);
    double sum = 0;
    for (int i = 0; i < COUNT; i++) {
      float[] picture = Datasets.input(mixed, i);
      float[] target = Datasets.target(mixed, "", i);
      Mixing.Mixture mixture = ((AugmentedDataset) mixed).mixture(i);
      double own = mixture.own();
      assertEquals(own * i + (1 - own) * mixture.partner(), picture[0], 1e-3);
      for (int j = 0; j < 2; j++) {
        double expected =
            own == 1
                ? answers[i][j]
                : own * answers[i][j] + (1 - own) * answers[mixture.partner()][j];
        assertEquals(expected, target[j], 1e-6);
      }
      sum += own;
    }
    assertEquals(0.5, sum / COUNT, 0.05);
  }

  @Test
  void classesAreDrawnByTheirShares() {
    int[] classes = new int[COUNT];
    for (int i = 0; i < COUNT; i++) {
      classes[i] = i % 5 == 0 ? -1 : i % 3;
    }
    Dataset data = Datasets.withClasses(numbered(), "kind", List.of("a", "b", "c"), classes);
    Dataset mixed = ALL_MIXED.cutMix(1).apply(data, 7);
    double expectedOwn = 0;
    int ownCount = 0;
    for (int epoch = 0; epoch < 20; epoch++) {
      Dataset view = mixed.atEpoch(epoch);
      for (int i = 0; i < COUNT; i++) {
        Found found = inCutMix(i, Datasets.input(view, i));
        float got = Datasets.target(view, "kind", i)[0];
        int own = classes[i];
        int other = classes[found.other()];
        if (found.own() == 1) {
          assertEquals(own, got);
        } else if (own < 0 || other < 0) {
          assertEquals(found.own() == 0 ? other : -1, got);
        } else {
          assertTrue(got == own || got == other);
          if (own != other) {
            expectedOwn += found.own();
            ownCount += got == own ? 1 : 0;
          }
        }
      }
    }
    assertEquals(expectedOwn, ownCount, 150, "of about 3,000");
  }

  @Test
  void someExamplesAreLeftAsTheyAre() {
    Dataset data = Datasets.withTargets(numbered(), "", answers());
    Dataset half = Augmentation.ofRange(0, 1).mixup(1).apply(data, 7);
    Dataset none = Augmentation.ofRange(0, 1).mixup(1).mixedShare(0).apply(data, 7);
    int unmixed = 0;
    for (int i = 0; i < COUNT; i++) {
      assertEquals(i, Datasets.input(none, i)[0]);
      assertArrayEquals(Datasets.target(data, "", i), Datasets.target(none, "", i));
      unmixed += Datasets.input(half, i)[0] == i ? 1 : 0;
    }
    assertEquals(COUNT / 2.0, unmixed, 40);
  }

  @Test
  void targetsAreThoseOfThePictureInEachEpoch() {
    Dataset data = Datasets.withTargets(numbered(), "", answers());
    Dataset mixed = ALL_MIXED.cutMix(1).mixup(0.5).apply(data, 7);
    for (int epoch = 0; epoch < 5; epoch++) {
      AugmentedDataset view = (AugmentedDataset) mixed.atEpoch(epoch);
      boolean hasCuts = false;
      boolean hasMixup = false;
      for (int i = 0; i < COUNT; i++) {
        hasCuts |= view.mixture(i).box().length > 0;
        hasMixup |= view.mixture(i).isMixed() && view.mixture(i).box().length == 0;
      }
      assertTrue(hasCuts && hasMixup);
    }
  }

  /** Mean 1/2 and variance 1 / (4 (2 alpha + 1)), however small alpha is. */
  @Test
  @Timeout(60)
  void sharesAreOfTheBetaDistribution() {
    for (double alpha : new double[] {Double.MIN_NORMAL, 1e-9, 1e-3, 0.2, 1, 2}) {
      Mixing mixing = new Mixing(alpha, 0, 1);
      SplittableRandom random = new SplittableRandom(1);
      double sum = 0;
      double squares = 0;
      int count = 20_000;
      for (int i = 0; i < count; i++) {
        double own = mixing.draw(-1, 10, 4, 4, random).own();
        sum += own;
        squares += (own - 0.5) * (own - 0.5);
      }
      assertEquals(0.5, sum / count, 0.01);
      assertEquals(1 / (4 * (2 * alpha + 1)), squares / count, 0.005);
    }
  }
}
