// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.Extension;

/** The census would notice: a check that never fails proves nothing. */
class HandleCensusTest {
  @Test
  void noticesALeakedHandle() {
    HandleCensus.requireNothingLeft("before");
    try (Network network = Dots.labeller(1)) {
      AssertionError leaked =
          assertThrows(AssertionError.class, () -> HandleCensus.requireNothingLeft("a test"));
      assertTrue(leaked.getMessage().startsWith("a test leaves handles open"), leaked.getMessage());
      assertTrue(network.nativeBytes() > 0);
    }
    HandleCensus.requireNothingLeft("after");
  }

  /** One that JUnit never ran would notice nothing. */
  @Test
  void runsAfterEveryClassUnasked() {
    assertTrue(
        ServiceLoader.load(Extension.class).stream()
            .anyMatch(provider -> provider.type() == HandleCensus.class));
  }
}
