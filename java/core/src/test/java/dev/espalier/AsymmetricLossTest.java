// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class AsymmetricLossTest {
  private static final AsymmetricLoss LOSS = AsymmetricLoss.defaults();

  private static LossBatch batch(float[] logits, float[] targets) {
    return EntropyMaximizationLossTest.batch(logits, targets);
  }

  @Test
  void hasNoProblem() {
    for (AsymmetricLoss loss :
        List.of(
            LOSS,
            LOSS.focusing(1, 4),
            LOSS.focusing(0, 0),
            LOSS.focusing(0.5, 0.5).margin(0),
            LOSS.focusing(2, 2).margin(0),
            LOSS.focusing(0, 1).margin(0.4))) {
      assertEquals(List.of(), LossCheck.problems(Task.Kind.LABELS, loss), loss.toString());
    }
  }

  @Test
  void isTheFormulaOfThePaper() {
    float[] logits = {-5, -3, -0.5f, 0, 1.25f, 4};
    AsymmetricLoss loss = LOSS.focusing(1, 3).margin(0.05);
    double expected = 0;
    for (int j = 0; j < logits.length; j++) {
      double p = 1 / (1 + Math.exp(-logits[j]));
      double shifted = Math.max(p - 0.05, 0);
      double yes = -(1 - p) * Math.log(p);
      double no = -Math.pow(shifted, 3) * Math.log(1 - shifted);
      expected += j % 2 == 0 ? yes : no;
    }
    assertEquals(expected, loss.compute(batch(logits, new float[] {1, 0, 1, 0, 1, 0})), 1e-12);
  }

  @Test
  void withoutFocusAndMarginIsCrossEntropy() {
    float[] logits = {-700, -3, 0, 3, 700};
    float[] targets = {1, 0, 0.5f, Float.NaN, 0};
    LossBatch batch = batch(logits, targets);
    double sum = LOSS.focusing(0, 0).margin(0).compute(batch);
    LossBatch expected = batch(logits, targets);
    assertEquals(OwnLossTest.logistic(expected), sum, 1e-9);
    assertArrayEquals(expected.gradients(), batch.gradients(), 1e-6f);
  }

  @Test
  void anEasyNoIsNothing() {
    LossBatch batch = batch(new float[] {-4, -900}, new float[] {0, 0});
    assertEquals(0, LOSS.compute(batch));
    assertArrayEquals(new float[2], batch.gradients());
  }

  @Test
  void learns() {
    Dots training = new Dots(600, 1);
    for (int i = 0; i < 600; i++) {
      training.sides[i][i % 2] = Float.NaN;
    }
    Dataset data = Datasets.forTask(training.labels(), "side");
    try (Network network = Dots.backbone().head("side", Head.labels("low", "right")).build(1)) {
      Trainer.of(network)
          .optimizer(AdamW.withLearningRate(0.01))
          .loss("side", LOSS)
          .epochs(12)
          .fit(data);
      Dataset test = Datasets.forTask(new Dots(400, 2).labels(), "side");
      double auc = network.evaluate(test).task("side").metric(Metric.MACRO_AUC).value();
      assertTrue(auc > 0.97, "AUC " + auc);
    }
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThrows(IllegalArgumentException.class, () -> LOSS.focusing(-1, 0));
    assertThrows(IllegalArgumentException.class, () -> LOSS.focusing(0, Double.NaN));
    assertThrows(IllegalArgumentException.class, () -> LOSS.margin(1));
    assertThrows(IllegalArgumentException.class, () -> LOSS.margin(-0.1));
    LossBatch values = new LossBatch(Task.of("t", Task.Kind.VALUES, List.of("a")), 1);
    assertThrows(IllegalArgumentException.class, () -> LOSS.compute(values));
  }
}
