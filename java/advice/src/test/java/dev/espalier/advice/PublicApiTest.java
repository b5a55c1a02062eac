// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.testing.PublicTypes;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is public, and what all of it has. */
class PublicApiTest {
  @Test
  void theseTypesArePublicAndSound() throws Exception {
    PublicTypes types = PublicTypes.of("java/advice", "dev.espalier.advice");
    assertEquals(
        List.of(
            "AdviceOptions",
            "Interval",
            "KnownShare",
            "LabelAdvice",
            "LabelRegime",
            "LabelVerdict",
            "LayerProbe",
            "OpenAnswer",
            "SharingArm",
            "SharingResult",
            "SharingStudy",
            "SharingVerdict",
            "StudyListener",
            "StudyProgress",
            "SuspectAnswer",
            "TransferArm",
            "TransferResult",
            "TransferStudy",
            "Verdict"),
        types.names());
    assertEquals(List.of(), types.problems(Set.of(SharingStudy.class, TransferStudy.class)));
  }
}
