// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.History.StopReason;
import org.junit.jupiter.api.Test;

class HistoryTest {
  private final Dots dots = new Dots(100, 1);

  @Test
  void theLastHistoryIsThatOfTheLastFit() {
    try (Network network = Dots.labeller(1)) {
      Trainer trainer =
          Trainer.of(network)
              .epochs(3)
              .validation(dots.labels())
              .earlyStopping(2)
              .listener(
                  epoch -> {
                    if (epoch.epoch() == 1) {
                      throw new UnsupportedOperationException("mine");
                    }
                  });
      assertThrows(UnsupportedOperationException.class, () -> trainer.fit(dots.labels()));
      History failed = trainer.lastHistory().orElseThrow();
      assertEquals(StopReason.FAILED, failed.stopReason());
      assertTrue(failed.epochs().get(0).isBest());
      assertTrue(failed.bestEpoch().isEmpty(), "no weights were put back");
      trainer.epochs(1).fit(dots.labels());
      assertEquals(0, trainer.lastHistory().orElseThrow().bestEpoch().orElseThrow());
      assertThrows(
          IllegalArgumentException.class, () -> trainer.fit(Datasets.range(dots.labels(), 0, 0)));
      assertTrue(trainer.lastHistory().isEmpty());
    }
  }
}
