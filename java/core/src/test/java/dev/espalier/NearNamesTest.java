// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class NearNamesTest {
  @Test
  void countsEditsAndSwaps() {
    assertEquals(0, NearNames.distance("auc", "auc"));
    assertEquals(1, NearNames.distance("acu", "auc"));
    assertEquals(1, NearNames.distance("macro_acu", "macro_auc"));
    assertEquals(3, NearNames.distance("kitten", "sitting"));
    assertEquals(4, NearNames.distance("", "side"));
    assertEquals(4, NearNames.distance("side", ""));
  }

  @Test
  void suggestsTheNearestFirstAndNothingFarAway() {
    List<String> known = List.of("conv1", "conv2", "dense", "conv10");
    assertEquals("; did you mean 'conv1' or 'conv2'?", NearNames.didYouMean("conv", known));
    assertEquals("; did you mean 'dense'?", NearNames.didYouMean("dnese", known));
    assertEquals(
        "; did you mean 'ab' or 'aa' or 'ac'?",
        NearNames.didYouMean("ab", List.of("aa", "ab", "ac", "ad")));
    assertEquals("", NearNames.didYouMean("nothing", known));
    assertEquals("", NearNames.didYouMean("", known));
    assertEquals("", NearNames.didYouMean("c".repeat(100_000), known));
  }

  private static void assertMessage(String expected, Executable call) {
    assertEquals(expected, assertThrows(IllegalArgumentException.class, call).getMessage());
  }

  @Test
  void messagesNameWhatWasMeant() {
    Dots dots = new Dots(20, 1);
    try (Network network = Dots.labeller(1);
        Predictor predictor = network.predictor()) {
      Evaluation evaluation = network.evaluate(dots.labels());
      assertMessage(
          "expected one of the tasks [side], got \"sied\"; did you mean 'side'?",
          () -> evaluation.task("sied"));
      TaskEvaluation side = evaluation.task("side");
      String message =
          assertThrows(IllegalArgumentException.class, () -> side.metric("macro_acu")).getMessage();
      List<String> names =
          side.metrics().all().stream()
              .filter(metric -> metric.label().isEmpty())
              .map(Metric::name)
              .toList();
      assertEquals(
          "task \"side\": expected one of "
              + names
              + ", got \"macro_acu\"; did you mean 'macro_auc' or 'macro_f1'?",
          message);
      assertMessage(
          "task \"side\": expected one of "
              + names
              + ", got \"auc\", which is a metric of one label, class or value",
          () -> side.metric("auc"));
      assertMessage(
          "task \"side\": expected one of [low, right], got \"rihgt\"; did you mean 'right'?",
          () -> side.metric(Metric.AUC, "rihgt"));
      assertMessage(
          "task \"side\": expected one of [low, right], got \"lo\"; did you mean 'low'?",
          () -> side.metrics().counts("lo"));
      Prediction prediction = predictor.predictNamed(new float[64]);
      assertMessage(
          "expected one of the tasks [side], got \"sides\"; did you mean 'side'?",
          () -> prediction.values("sides"));
      assertMessage(
          "task \"side\": expected one of [low, right], got \"riht\"; did you mean 'right'?",
          () -> prediction.value("side", "riht"));
      assertMessage(
          "expected one of the heads side, got 'sid'; did you mean 'side'?",
          () -> network.setThresholds("sid", 0.5, 0.5));
    }
  }

  @Test
  void aNetworkWithoutAHeadSaysSo() {
    try (Network network = Dots.backbone().build(1)) {
      assertMessage(
          "network: expected at least one head for targets to train or judge, got none",
          () -> Trainer.of(network).fit(new Dots(8, 1).labels()));
    }
  }
}
