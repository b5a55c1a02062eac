// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.testing.PublicTypes;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is public, and what all of it has. */
class PublicApiTest {
  @Test
  void theseTypesArePublicAndSound() throws Exception {
    PublicTypes types = PublicTypes.of("java/spark", "dev.espalier.spark");
    assertEquals(List.of("EspalierEstimator", "EspalierEvaluator", "EspalierModel"), types.names());
    assertEquals(
        List.of(),
        types.problems(
            Set.of(EspalierEstimator.class, EspalierEvaluator.class, EspalierModel.class)));
  }
}
