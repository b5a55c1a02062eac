// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class PrecisionChoiceTest {
  private static final int INPUTS = 100;
  private static final int EXAMPLES = 90;

  private static Network network(Head head) {
    return Network.builder(Shape.vector(INPUTS))
        .dense("first", 128)
        .relu()
        .dense("second", 96)
        .head("kind", head)
        .build(4);
  }

  private static float[][] inputs() {
    Random random = new Random(3);
    float[][] inputs = new float[EXAMPLES][INPUTS];
    for (float[] input : inputs) {
      for (int i = 0; i < INPUTS; i++) {
        input[i] = (float) random.nextGaussian();
      }
    }
    return inputs;
  }

  private static Dataset withoutTargets() {
    float[] all = new float[EXAMPLES * INPUTS];
    float[][] inputs = inputs();
    for (int i = 0; i < EXAMPLES; i++) {
      System.arraycopy(inputs[i], 0, all, i * INPUTS, INPUTS);
    }
    return Datasets.of(all, Shape.vector(INPUTS));
  }

  private static PrecisionChoice.Candidate candidate(
      double speedup, boolean isWithin, Precision of) {
    return new PrecisionChoice.Candidate(of, List.of(), 1, speedup, Map.of(), 0, isWithin, 1);
  }

  /** Answers are deterministic, times are not: the rule is tested on given ones. */
  @Test
  void theFastestWithinTheToleranceIsTakenIfItIsClearlyFaster() {
    PrecisionChoice.Candidate fp32 = candidate(1, true, Precision.FP32);
    PrecisionChoice.Candidate bf16 = candidate(1.3, true, Precision.BF16_WEIGHTS);
    PrecisionChoice.Candidate little = candidate(1.04, true, Precision.BF16_WEIGHTS);
    PrecisionChoice.Candidate int8 = candidate(3, true, Precision.INT8);
    PrecisionChoice.Candidate wrong = candidate(3, false, Precision.INT8);
    assertEquals(int8, PrecisionChoice.best(List.of(fp32, bf16, int8)));
    assertEquals(bf16, PrecisionChoice.best(List.of(fp32, bf16, wrong)));
    assertEquals(fp32, PrecisionChoice.best(List.of(fp32, little, wrong)));
  }

  @Test
  void whatIsMeasuredFitsWhatTheOptionsSay() {
    try (Network network = network(Head.classes("a", "b", "c"))) {
      float[][] inputs = inputs();
      int[] classes = new int[EXAMPLES];
      try (Predictor predictor = network.predictor()) {
        for (int i = 0; i < EXAMPLES; i++) {
          float[] row = predictor.predict(inputs[i]);
          int best = row[0] >= row[1] && row[0] >= row[2] ? 0 : row[1] >= row[2] ? 1 : 2;
          classes[i] = i % 7 == 0 ? -1 : best;
        }
      }
      Dataset data = Datasets.ofClasses(inputs, classes);
      PrecisionChoice choice =
          PrecisionChoice.measure(network, data, 0.1, PredictorOptions.defaults().threads(1), 16);
      assertEquals(
          List.of(Precision.values()),
          choice.candidates().stream().map(PrecisionChoice.Candidate::precision).toList());
      PrecisionChoice.Candidate fp32 = choice.candidates().get(0);
      assertEquals(Map.of("accuracy of task \"kind\"", 1.0), fp32.scores());
      assertEquals(1, fp32.speedup());
      assertEquals(0, fp32.lossOfScore());
      for (PrecisionChoice.Candidate candidate : choice.candidates()) {
        double score = candidate.scores().get("accuracy of task \"kind\"");
        assertEquals(1 - score, candidate.lossOfScore(), 1e-12);
        assertEquals(candidate.lossOfScore() <= 0.1, candidate.isWithinTolerance());
        assertTrue(candidate.examplesPerSecond() > 0 && candidate.nativeBytes() > 0);
        assertTrue(score > 0.9, candidate.toString());
      }
      assertEquals(
          PrecisionChoice.best(choice.candidates()).precision(), choice.options().precision());
      assertEquals(1, choice.options().threads().getAsInt());
      assertTrue(choice.toString().contains("chosen"), choice.toString());
      assertTrue(choice.toString().contains("calls of 16 examples; tolerance 0.1"));
    }
  }

  /** One input is a million times the others, which decide. */
  @Test
  void whatInt8LosesIsSeenAndRefused() {
    try (Network network = network(Head.values("size"))) {
      float[][] inputs = inputs();
      float[] weights = network.parameter("first.weight");
      for (int unit = 0; unit < 128; unit++) {
        weights[unit * INPUTS] = 0;
      }
      network.setParameter("first.weight", weights);
      float[][] sizes = new float[EXAMPLES][1];
      try (Predictor predictor = network.predictor()) {
        for (int i = 0; i < EXAMPLES; i++) {
          inputs[i][0] = 1e6f;
          sizes[i] = predictor.predict(inputs[i]);
        }
      }
      PrecisionChoice choice = PrecisionChoice.measure(network, Datasets.of(inputs, sizes), 0.01);
      PrecisionChoice.Candidate int8 = choice.candidates().get(2);
      assertEquals(Precision.INT8, int8.precision());
      assertFalse(int8.isWithinTolerance());
      assertTrue(int8.lossOfScore() > 0.5, int8.toString());
      assertTrue(
          choice.precision() != Precision.INT8
              || choice.options().keepFloat().equals(List.of("first")),
          choice.toString());
      assertTrue(choice.toString().contains("beyond the tolerance"), choice.toString());
    }
  }

  /**
   * A unit of the third layer that is always 0 is weighed by a million in the fourth, whose bytes
   * are then 0 for all other units.
   */
  @Test
  void whatInt8LosesInOneLayerIsLeftToFloatThere() {
    try (Network network =
        Network.builder(Shape.vector(INPUTS))
            .dense("first", 128)
            .relu()
            .dense("second", 128)
            .relu()
            .dense("third", 128)
            .relu()
            .dense("fourth", 96)
            .head("kind", Head.values("size"))
            .build(4)) {
      float[] third = network.parameter("third.weight");
      Arrays.fill(third, 0, 128, 0);
      network.setParameter("third.weight", third);
      float[] fourth = network.parameter("fourth.weight");
      for (int unit = 0; unit < 96; unit++) {
        fourth[unit * 128] = 1e6f;
      }
      network.setParameter("fourth.weight", fourth);
      float[][] inputs = inputs();
      float[][] sizes = new float[EXAMPLES][1];
      try (Predictor predictor = network.predictor()) {
        for (int i = 0; i < EXAMPLES; i++) {
          sizes[i] = predictor.predict(inputs[i]);
        }
      }
      Dataset data = Datasets.of(inputs, sizes);
      PrecisionChoice choice = PrecisionChoice.measure(network, data, 0.01);
      assertEquals(4, choice.candidates().size(), choice.toString());
      assertFalse(choice.candidates().get(2).isWithinTolerance(), choice.toString());
      PrecisionChoice.Candidate mixture = choice.candidates().get(3);
      assertEquals(Precision.INT8, mixture.precision());
      assertEquals(List.of("fourth"), mixture.keepFloat());
      assertTrue(mixture.isWithinTolerance(), choice.toString());
      assertTrue(choice.toString().contains("INT8 but 1 layer "), choice.toString());
      PrecisionChoice taken =
          new PrecisionChoice(
              PredictorOptions.defaults(),
              0,
              1,
              List.of(candidate(1, true, Precision.FP32), with(mixture, 2)));
      assertEquals(Precision.INT8, taken.precision());
      assertEquals(List.of("fourth"), taken.options().keepFloat());
      assertTrue(taken.toString().contains("in float: fourth"), taken.toString());
      Quantization report = Quantization.measure(network, data);
      assertEquals("fourth", report.mostAffected().get(0).name(), report.toString());
      assertEquals(1e6, report.mostAffected().get(0).greatest());
      assertTrue(report.mostAffected().get(0).error() > 0.9, report.toString());
      assertTrue(report.mostAffected().get(1).effect() < 0.05, report.toString());
      // Where all have to stay in float, there is no mixture.
      PrecisionChoice none = PrecisionChoice.measure(network, data, 0);
      assertEquals(3, none.candidates().size(), none.toString());
    }
  }

  private static PrecisionChoice.Candidate with(PrecisionChoice.Candidate one, double speedup) {
    return new PrecisionChoice.Candidate(
        one.precision(), one.keepFloat(), 1, speedup, one.scores(), 0, true, 1);
  }

  @Test
  void layersAreJudgedByTheirSimilarityWithoutTargets() {
    try (Network network = network(Head.classes("a", "b", "c"))) {
      PrecisionChoice choice =
          PrecisionChoice.measure(
              network, withoutTargets(), 0.01, PredictorOptions.defaults().layers("second"), 1000);
      assertEquals(1, choice.candidates().get(0).scores().get("cosine similarity of layers"));
      double int8 = choice.candidates().get(2).scores().get("cosine similarity of layers");
      assertTrue(int8 > 0.999 && int8 < 1, choice.toString());
      assertTrue(choice.toString().contains("calls of 90 examples"), choice.toString());
    }
  }

  @Test
  void mistakesAreNamed() {
    try (Network network = network(Head.classes("a", "b", "c"))) {
      int[] unknown = new int[EXAMPLES];
      Arrays.fill(unknown, -1);
      Dataset unlabelled = Datasets.ofClasses(inputs(), unknown);
      assertMessage(
          "expected labelled entries for which a metric of [accuracy of task \"kind\"] is defined",
          () -> PrecisionChoice.measure(network, unlabelled, 0.1));
      assertMessage(
          "validation: expected targets of one of the tasks [kind], got none",
          () -> PrecisionChoice.measure(network, withoutTargets(), 0.1));
      for (double tolerance : new double[] {-1e-9, 1.01, Double.NaN}) {
        assertMessage(
            "tolerance: expected 0.0 to 1.0",
            () -> PrecisionChoice.measure(network, unlabelled, tolerance));
      }
      assertMessage(
          "batchSize: expected 1",
          () -> PrecisionChoice.measure(network, unlabelled, 0, PredictorOptions.defaults(), 0));
    }
  }

  private static void assertMessage(String part, Executable call) {
    IllegalArgumentException error = assertThrows(IllegalArgumentException.class, call);
    assertTrue(error.getMessage().contains(part), error.getMessage());
  }
}
