// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.advice.LabelVerdict.Answers;
import dev.espalier.advice.LabelVerdict.Bias;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LabelRegimeTest {
  private static final List<String> NAMES =
      List.of("asked at random", "asked where likely", "only yeses", "only noes", "rare", "never");

  private final float[][] features = new float[600][4];
  private final LabelRegime regime = LabelRegime.of(data());

  private Dataset data() {
    SplittableRandom random = new SplittableRandom(2);
    float[][] answers = new float[features.length][NAMES.size()];
    for (int i = 0; i < features.length; i++) {
      for (int q = 0; q < 4; q++) {
        features[i][q] = (float) random.nextGaussian();
      }
      Arrays.fill(answers[i], Float.NaN);
      float truth = features[i][0] + random.nextGaussian() > 0 ? 1 : 0;
      boolean half = random.nextBoolean();
      answers[i][0] = half ? truth : Float.NaN;
      answers[i][1] = features[i][1] + random.nextGaussian() > 0 ? truth : Float.NaN;
      answers[i][2] = !half && truth == 1 ? 1 : Float.NaN;
      answers[i][3] = i % 3 == 0 ? 0 : Float.NaN;
      answers[i][4] = i % 60 == 0 ? truth : i < 300 ? 0 : Float.NaN;
    }
    return Datasets.withTargets(
        Datasets.withoutTargets(Datasets.of(features, answers)), "t", NAMES, answers);
  }

  private LabelVerdict label(String name) {
    return regime.labels().get(NAMES.indexOf(name));
  }

  @Test
  void tellsWhoWasAsked() {
    LabelVerdict random = label("asked at random");
    assertEquals(Answers.BOTH, random.answers());
    assertEquals(Bias.UNLIKELY, random.bias(), random.toString());
    assertEquals("Train by what is known, as usual.", random.advice());
    LabelVerdict likely = label("asked where likely");
    assertEquals(Bias.LIKELY, likely.bias(), likely.toString());
    assertTrue(likely.advice().contains("InversePropensityLoss"), likely.advice());
    assertEquals(0.83, likely.predictability().estimate(), 0.05);
  }

  @Test
  void tellsWhichAnswersThereAre() {
    LabelVerdict yes = label("only yeses");
    assertEquals(Answers.ONLY_YES, yes.answers());
    assertEquals(Bias.NOT_ASKED, yes.bias());
    assertTrue(yes.advice().contains("EntropyMaximizationLoss"), yes.advice());
    assertTrue(yes.advice().contains("labelSmoothing"), yes.advice());
    assertEquals(Answers.ONLY_NO, label("only noes").answers());
    LabelVerdict never = label("never");
    assertEquals(Answers.NONE, never.answers());
    assertEquals(600, never.blank());
    assertEquals("-", never.predictability().toString());
    LabelVerdict rare = label("rare");
    assertTrue(rare.isTooFew() && rare.advice().contains("Too few"), rare.toString());
    assertEquals(600, rare.yes() + rare.no() + rare.blank());
  }

  @Test
  void listsPairsThatAreNeverKnownTogether() {
    List<String> pairs =
        regime.pairsNeverTogether().stream()
            .map(pair -> pair.get(0).name() + ", " + pair.get(1).name())
            .toList();
    assertTrue(pairs.contains("asked at random, only yeses"), pairs.toString());
    assertTrue(pairs.contains("only yeses, never"), pairs.toString());
    assertTrue(!pairs.contains("asked at random, asked where likely"), pairs.toString());
    assertTrue(
        regime.toString().contains("never both known: asked at random and only yeses"),
        regime.toString());
  }

  /** What was asked with probability Φ(x): in the mean, and rising with x. */
  @Test
  void estimatesPropensities() {
    double mean = 0;
    double low = 0;
    double high = 0;
    int lows = 0;
    float[][] propensities = regime.propensities();
    for (int i = 0; i < 600; i++) {
      double propensity = propensities[i][1];
      mean += propensity / 600;
      boolean isLow = features[i][1] < -1;
      lows += isLow ? 1 : 0;
      low += isLow ? propensity : 0;
      high += features[i][1] > 1 ? propensity : 0;
    }
    assertEquals(0.5, mean, 0.05);
    assertTrue(low / lows < 0.25, "mean where seldom asked " + low / lows);
    assertTrue(high > low);
    assertTrue(regime.inversePropensityLoss().toString().contains("600 examples, 6 labels"));
  }

  @Test
  void classesAreKnownTogether() {
    int[] classes = new int[60];
    for (int i = 0; i < 60; i++) {
      classes[i] = i % 3 == 0 ? -1 : i % 2;
    }
    LabelRegime ofClasses =
        LabelRegime.of(Datasets.ofClasses(Arrays.copyOf(features, 60), classes));
    assertEquals(2, ofClasses.labels().size());
    assertEquals(20, ofClasses.labels().get(0).yes());
    assertEquals(20, ofClasses.labels().get(1).blank());
    assertEquals(
        ofClasses.labels().get(0).predictability(), ofClasses.labels().get(1).predictability());
    assertThrows(IllegalStateException.class, ofClasses::inversePropensityLoss);
  }

  @Test
  void bearsOneExample() {
    LabelRegime one = LabelRegime.of(Datasets.of(new float[1][2], new float[][] {{1}}));
    assertEquals(Answers.ONLY_YES, one.labels().get(0).answers());
  }
}
