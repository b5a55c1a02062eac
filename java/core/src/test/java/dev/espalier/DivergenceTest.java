// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** No step, and nothing else, leaves NaN or infinity in a network. */
class DivergenceTest {
  private final Dots dots = new Dots(64, 1);

  @Test
  void anUpdateThatOverflowsFailsAndLeavesTheNetwork(@TempDir Path folder) {
    for (Optimizer optimizer :
        List.of(
            Sgd.withLearningRate(1e300),
            Sgd.withLearningRate(1e300).momentum(0.9),
            Adam.withLearningRate(1e300),
            AdamW.withLearningRate(1e300),
            RmsProp.withLearningRate(1e300))) {
      try (Network network = Dots.rich(1)) {
        Map<String, float[]> before = Dots.parameters(network);
        Trainer trainer = Trainer.of(network).optimizer(optimizer).steps(1);
        NonFiniteException error =
            assertThrows(NonFiniteException.class, () -> trainer.fit(dots.both()));
        assertTrue(error.getMessage().contains("at step 1"), error.getMessage());
        assertTrue(error.getMessage().contains("learning rate 1e+300"), error.getMessage());
        Dots.assertSameBits(before, Dots.parameters(network));
        History history = trainer.lastHistory().orElseThrow();
        assertEquals(History.StopReason.FAILED, history.stopReason());
        assertEquals(0, history.steps());
        network.save(folder.resolve("model"));
        Network.load(folder.resolve("model")).close();
      }
    }
  }

  @Test
  void aLossThatIsNoNumberSaysSoAndWhatMayHelp() {
    try (Network network =
        Network.builder(Shape.vector(1))
            .dense("wide", 2)
            .head("price", Head.values("eur"))
            .build(1)) {
      network.setParameter("wide.weight", new float[] {3e38f, 3e38f});
      network.setParameter("heads.price.dense.weight", new float[] {1, -1}); // infinity - infinity
      Dataset data = Datasets.of(new float[] {10}, Shape.vector(1), new float[][] {{1}});
      String message =
          assertThrows(NonFiniteException.class, () -> Trainer.of(network).fit(data)).getMessage();
      assertEquals(
          "loss of task 'price' at step 1: expected a finite value, got NaN; a lower learning rate,"
              + " clipNorm or inputs scaled to about -1 to 1 may help",
          message);
    }
  }

  @Test
  void setParameterRefusesWhatIsNotFinite() {
    try (Network network = Dots.labeller(1)) {
      float[] before = network.parameter("features.bias");
      float[] values = before.clone();
      for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
        values[3] = bad;
        NonFiniteException error =
            assertThrows(
                NonFiniteException.class, () -> network.setParameter("features.bias", values));
        assertTrue(error.getMessage().contains("'features.bias'"), error.getMessage());
        assertTrue(error.getMessage().contains("at place 3"), error.getMessage());
        assertArrayEquals(before, network.parameter("features.bias"));
      }
    }
  }
}
