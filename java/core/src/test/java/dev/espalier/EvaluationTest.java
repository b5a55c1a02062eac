// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class EvaluationTest {
  /** A network that says yes to "low" and "right" by logits of its two inputs. */
  private static Network transparent() {
    Network network =
        Network.builder(Shape.vector(2)).head("side", Head.labels("low", "right")).build(1);
    return network.setParameter("heads.side.dense.weight", new float[] {1, 0, 0, 1});
  }

  @Test
  void countsLabelledEntriesAlone() {
    float no = Float.NaN;
    Dataset data =
        Datasets.of(
            new float[][] {{2, -2}, {-1, 3}, {4, 4}, {-5, -1}},
            new float[][] {{1, no}, {1, 1}, {no, no}, {0, 1}});
    try (Network network = transparent()) {
      TaskEvaluation side = network.evaluate(data).task("side");
      assertEquals(5, side.labelledCount());
      assertEquals(2.0 / 5, side.metric("hamming_loss").value(), 1e-9);
      assertEquals(5, side.metric("hamming_loss").support());
      assertEquals(2.0 / 3, side.metric("accuracy", "low").value(), 1e-9);
      assertEquals(1, side.metric("auc", "low").value(), 1e-9);
      assertFalse(side.metric("auc", "right").isDefined());
      assertEquals(0, side.metric("auc", "right").support());
      double loss =
          (Math.log1p(Math.exp(-2))
                  + Math.log1p(Math.exp(1))
                  + Math.log1p(Math.exp(-3))
                  + Math.log1p(Math.exp(-5))
                  + Math.log1p(Math.exp(1)))
              / 4;
      assertEquals(loss, side.loss(), 1e-6);
      assertEquals(loss, network.evaluate(data).loss(), 1e-6);
      assertEquals(4, network.evaluate(data).exampleCount());
    }
  }

  @Test
  void usesTheThreshold() {
    Dataset data = Datasets.of(new float[][] {{1, 1}, {-1, -1}}, new float[][] {{1, 1}, {1, 1}});
    try (Network network = transparent()) {
      assertEquals(0.5, network.evaluate(data).metric("hamming_loss").value());
      assertEquals(0, network.evaluate(data, 0.2).metric("hamming_loss").value());
      assertEquals(1, network.evaluate(data, 0.9).metric("hamming_loss").value());
      assertThrows(IllegalArgumentException.class, () -> network.evaluate(data, 1.5));
      assertThrows(IllegalArgumentException.class, () -> network.evaluate(data, Double.NaN));
    }
  }

  @Test
  void usesTheNetworksOwnThresholds() {
    Dataset data = Datasets.of(new float[][] {{1, 1}, {-1, -1}}, new float[][] {{1, 1}, {1, 0}});
    try (Network network = transparent()) {
      network.setThresholds("side", 0.2, 0.9);
      TaskEvaluation side = network.evaluate(data).task("side");
      assertEquals(0, side.metrics().counts("low").falseNegatives());
      assertEquals(1, side.metrics().counts("right").falseNegatives());
      assertEquals(List.of(0.2, 0.9), side.metrics().task().thresholds());
      Metrics usual = network.evaluate(data, 0.5).task("side").metrics();
      assertEquals(1, usual.counts("low").falseNegatives());
      assertEquals(0, usual.counts("right").falseNegatives());
    }
  }

  @Test
  void validationWhileTrainingUsesThem() {
    Dots dots = new Dots(64, 1);
    try (Network network = Dots.labeller(1)) {
      network.setThresholds("side", 0, 1); // all low, none right
      History history = Trainer.of(network).epochs(1).validation(dots.labels()).fit(dots.labels());
      Metrics metrics = history.last().validation().orElseThrow().task("side").metrics();
      assertEquals(
          0, metrics.counts("low").falseNegatives() + metrics.counts("low").trueNegatives());
      assertEquals(0, metrics.counts("right").truePositives());
      assertEquals(metrics, network.evaluate(dots.labels()).task("side").metrics());
    }
  }

  @Test
  void namesMetricsThatThereAre() {
    Dots dots = new Dots(30, 1);
    try (Network network = Dots.rich(1)) {
      Evaluation evaluation = network.evaluate(dots.both());
      IllegalArgumentException error =
          assertThrows(
              IllegalArgumentException.class, () -> evaluation.task("quarter").metric("macro_auc"));
      assertTrue(error.getMessage().contains("accuracy"), error.getMessage());
      assertThrows(IllegalArgumentException.class, () -> evaluation.task("other"));
      assertThrows(IllegalStateException.class, () -> evaluation.metric("accuracy"));
      assertTrue(evaluation.task("quarter").metric("accuracy").higherIsBetter());
      assertFalse(evaluation.task("side").metric("hamming_loss").higherIsBetter());
      evaluation.task("quarter").metric("recall", "3");
    }
  }

  @Test
  void doesNotDependOnChunks() {
    Dots dots = new Dots(600, 1);
    int[] order = new int[600];
    Arrays.setAll(order, i -> i);
    try (Network network = Dots.rich(1)) {
      Evaluation whole = network.evaluate(dots.both());
      Evaluation part = network.evaluate(Datasets.range(dots.both(), 0, 300));
      Evaluation rest = network.evaluate(Datasets.range(dots.both(), 300, 600));
      assertEquals(
          whole.task("quarter").loss(),
          (part.task("quarter").loss() + rest.task("quarter").loss()) / 2,
          1e-6);
      assertEquals(whole, network.evaluate(Datasets.subset(dots.both(), order)));
    }
  }
}
