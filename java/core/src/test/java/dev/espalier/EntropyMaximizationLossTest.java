// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class EntropyMaximizationLossTest {
  private static final EntropyMaximizationLoss LOSS = EntropyMaximizationLoss.of(0.2);

  /** One example of as many labels as there are logits. */
  static LossBatch batch(float[] logits, float[] targets) {
    String[] names = new String[logits.length];
    java.util.Arrays.setAll(names, j -> "label" + j);
    LossBatch batch = new LossBatch(Task.of("t", Task.Kind.LABELS, List.of(names)), 1);
    System.arraycopy(logits, 0, batch.logits(), 0, logits.length);
    System.arraycopy(targets, 0, batch.targets(), 0, targets.length);
    batch.begin();
    return batch;
  }

  @Test
  void hasNoProblem() {
    assertEquals(List.of(), LossCheck.problems(Task.Kind.LABELS, LOSS));
    assertEquals(List.of(), LossCheck.problems(Task.Kind.LABELS, EntropyMaximizationLoss.of(1)));
  }

  @Test
  void isTheFormulaOfThePaper() {
    float[] logits = {-3, -0.5f, 0, 1.25f, 4};
    for (float answer : new float[] {0, 1, 0.25f}) {
      float[] targets = {answer, answer, answer, answer, Float.NaN};
      double expected = 0;
      for (int j = 0; j < 4; j++) {
        double p = 1 / (1 + Math.exp(-logits[j]));
        double entropy = -p * Math.log(p) - (1 - p) * Math.log(1 - p);
        expected += answer * -Math.log(p) - (1 - answer) * 0.2 * entropy;
      }
      LossBatch batch = batch(logits, targets);
      assertEquals(expected, LOSS.compute(batch), 1e-12);
      assertEquals(0, batch.gradients()[4]);
    }
  }

  /** Where the network is sure, in either way, a blank pulls at nothing. */
  @Test
  void leavesSureBlanksAlone() {
    LossBatch batch = batch(new float[] {900, -900, 0, 50}, new float[] {0, 0, 0, 0});
    assertEquals(-0.2 * Math.log(2), LOSS.compute(batch), 1e-12);
    for (int j = 0; j < 4; j++) {
      assertEquals(0, batch.gradients()[j], 1e-19);
    }
  }

  /** Half of the yeses are written down, and nothing else. */
  @Test
  void learnsFromYesesAlone() {
    Dots training = new Dots(600, 1);
    Dots test = new Dots(400, 2);
    for (int i = 0; i < 600; i++) {
      for (int j = 0; j < 2; j++) {
        boolean isWritten = training.sides[i][j] == 1 && (i + j) % 2 == 0;
        training.sides[i][j] = isWritten ? 1 : Float.NaN;
      }
    }
    Dataset yeses = Datasets.forTask(training.labels(), "side");
    try (Network network = Dots.backbone().head("side", Head.labels("low", "right")).build(1)) {
      Trainer.of(network)
          .optimizer(AdamW.withLearningRate(0.01))
          .loss("side", LOSS)
          .epochs(10)
          .fit(Blanks.asNo(yeses, "side"));
      Evaluation evaluation = network.evaluate(Datasets.forTask(test.labels(), "side"));
      double auc = evaluation.task("side").metric(Metric.MACRO_AUC).value();
      assertTrue(auc > 0.95, "AUC " + auc);
    }
  }

  @Test
  void blanksBecomeNoes() {
    Dots dots = new Dots(4, 1);
    dots.sides[1] = new float[] {Float.NaN, 1};
    Dataset data =
        Datasets.withClasses(Datasets.forTask(dots.labels(), "side"), "q", dots.quarters);
    Dataset filled = Blanks.asNo(data, "side");
    assertEquals(0, Datasets.target(filled, "side", 1)[0]);
    assertEquals(1, Datasets.target(filled, "side", 1)[1]);
    assertEquals(dots.quarters[2], Datasets.target(filled, "q", 2)[0]);
    assertEquals(data.targets(), filled.targets());
    assertTrue(filled.isStable());
    // One with nothing at all of the task.
    Dataset rest =
        Datasets.withClasses(Datasets.of(dots.pictures, Dots.PICTURE), "q", dots.quarters);
    Dataset joined = Blanks.asNo(Datasets.concat(data, rest), "side");
    assertEquals(0, Datasets.target(joined, "side", 5)[1]);
    assertThrows(IllegalArgumentException.class, () -> Blanks.asNo(data, "q"));
    assertThrows(IllegalArgumentException.class, () -> Blanks.asNo(data, "sides"));
  }

  @Test
  void refusesWhatMakesNoSense() {
    for (double alpha : new double[] {0, -1, 1.5, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThrows(IllegalArgumentException.class, () -> EntropyMaximizationLoss.of(alpha));
    }
    LossBatch classes = new LossBatch(Task.of("t", Task.Kind.CLASSES, List.of("a", "b")), 1);
    String message =
        assertThrows(IllegalArgumentException.class, () -> LOSS.compute(classes)).getMessage();
    assertTrue(message.contains("expected a task of labels, got t: classes [a, b]"), message);
    assertFalse(LOSS.toString().isEmpty());
  }
}
