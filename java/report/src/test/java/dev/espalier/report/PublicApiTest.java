// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.testing.PublicTypes;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is public, and what all of it has. */
class PublicApiTest {
  private static PublicTypes types() throws Exception {
    return PublicTypes.of("java/report", "dev.espalier.report");
  }

  @Test
  void theseTypesArePublic() throws Exception {
    assertEquals(
        List.of("Chart", "Comparison", "Examples", "Histories", "Report", "Section"),
        types().names());
  }

  @Test
  void allAreFinalHaveATextAndReturnWhatTheyMake() throws Exception {
    assertEquals(List.of(), types().problems(Set.of()));
  }
}
