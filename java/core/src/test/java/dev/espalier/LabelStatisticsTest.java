// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class LabelStatisticsTest {
  private static final float NO = Float.NaN;

  private static Dataset data() {
    Dataset data = Datasets.of(new float[4], Shape.vector(1));
    data =
        Datasets.withTargets(
            data,
            "finding",
            List.of("a", "b", "c"),
            new float[][] {{1, 0, NO}, {0.5f, NO, NO}, {NO, NO, 0.4f}, {NO, NO, NO}});
    data = Datasets.withTargets(data, "size", new float[][] {{-1}, {2.5f}, {0.7f}, {NO}});
    return Datasets.withClasses(
        data, "kind", List.of("apple", "pear", "plum"), new int[] {1, -1, 1, 0});
  }

  @Test
  void countsAnswersAndFindsPairsNeverTogether() {
    LabelStatistics statistics = Datasets.statistics(data());
    assertEquals(4, statistics.size());
    assertEquals(
        List.of(
            "finding/a: 2 yes, 0 no, 2 blank",
            "finding/b: 0 yes, 1 no, 3 blank",
            "finding/c: 0 yes, 1 no, 3 blank",
            "size/0: 1 yes, 0 no, 2 other, 1 blank",
            "kind/apple: 1 yes, 2 no, 1 blank",
            "kind/pear: 2 yes, 1 no, 1 blank",
            "kind/plum: 0 yes, 3 no, 1 blank"),
        statistics.labels().stream().map(LabelCounts::toString).toList());
    assertEquals(
        "[[finding/a: 2 yes, 0 no, 2 blank, finding/c: 0 yes, 1 no, 3 blank],"
            + " [finding/b: 0 yes, 1 no, 3 blank, finding/c: 0 yes, 1 no, 3 blank]]",
        statistics.pairsNeverTogether().toString());
    String text = statistics.toString();
    assertTrue(text.startsWith("4 examples"), text);
    assertTrue(text.contains("size/0      1 + 2 other"), text);
    assertTrue(text.endsWith("never both: finding/b and finding/c\n"), text);
  }

  @Test
  void countsClassesWithoutNamesAndNoTargets() {
    Dataset inputs = Datasets.of(new float[3], Shape.vector(1));
    LabelStatistics statistics =
        Datasets.statistics(Datasets.withClasses(inputs, "", new int[] {2, -1, 2}));
    assertEquals(
        List.of("0: 0 yes, 2 no, 1 blank", "1: 0 yes, 2 no, 1 blank", "2: 2 yes, 0 no, 1 blank"),
        statistics.labels().stream().map(LabelCounts::toString).toList());
    assertEquals(List.of(), Datasets.statistics(inputs).labels());
    assertEquals("3 examples  yes  no  blank\n", Datasets.statistics(inputs).toString());
    assertThrows(
        IllegalArgumentException.class,
        () -> Datasets.statistics(Datasets.withClasses(inputs, "", new int[] {1 << 20, 0, 0})));
  }

  @Test
  void listsOfManyLabelsEnd() {
    float[][] answers = new float[100][100];
    for (int i = 0; i < 100; i++) {
      java.util.Arrays.fill(answers[i], NO);
      answers[i][i] = 1;
    }
    LabelStatistics statistics =
        Datasets.statistics(
            Datasets.withTargets(Datasets.of(new float[100], Shape.vector(1)), "", answers));
    assertEquals(1000, statistics.pairsNeverTogether().size());
    assertTrue(statistics.toString().endsWith("and 900 more pairs\n"));
  }
}
