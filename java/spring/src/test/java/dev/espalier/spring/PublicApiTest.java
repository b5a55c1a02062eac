// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.testing.PublicTypes;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is public, and what all of it has. */
class PublicApiTest {
  @Test
  void theseTypesArePublicAndSound() throws Exception {
    PublicTypes types = PublicTypes.of("java/spring", "dev.espalier.spring");
    assertEquals(
        List.of(
            "EspalierAutoConfiguration",
            "EspalierHealthAutoConfiguration",
            "EspalierMetricsAutoConfiguration",
            "EspalierProperties",
            "ModelUnusableException"),
        types.names());
    assertEquals(List.of(), types.problems(Set.of()));
  }
}
