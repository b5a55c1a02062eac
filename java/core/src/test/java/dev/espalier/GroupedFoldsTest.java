// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class GroupedFoldsTest {
  private static int number(Dataset data, int example) {
    return (int) Datasets.input(data, example)[0];
  }

  /** Groups of 1 to 9; two labels, half of them blank, and rare ones that whole groups share. */
  private static Dataset data(List<Integer> groups) {
    SplittableRandom random = new SplittableRandom(1);
    while (groups.size() < 1000) {
      int group = groups.isEmpty() ? 0 : groups.get(groups.size() - 1) + 1;
      groups.addAll(Collections.nCopies(1 + random.nextInt(9), group));
    }
    float[] inputs = new float[groups.size()];
    float[][] answers = new float[inputs.length][];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = i;
      answers[i] =
          new float[] {
            groups.get(i) % 6 == 0 ? 1 : 0, i % 2 == 0 ? Float.NaN : random.nextInt(3) == 0 ? 1 : 0
          };
    }
    return Datasets.of(inputs, Shape.vector(1), answers);
  }

  @Test
  void keepsGroupsWholeAndSharesNear() {
    List<Integer> groups = new ArrayList<>();
    Dataset data = data(groups);
    LabelStatistics all = Datasets.statistics(data);
    List<Split> folds = Datasets.foldsGrouped(data, groups, 5, 3);
    Set<Integer> held = new HashSet<>();
    for (Split fold : folds) {
      assertEquals(data.size(), fold.first().size() + fold.second().size());
      Set<Integer> ofTraining = new HashSet<>();
      for (int i = 0; i < fold.first().size(); i++) {
        ofTraining.add(groups.get(number(fold.first(), i)));
      }
      for (int i = 0; i < fold.second().size(); i++) {
        held.add(number(fold.second(), i));
        assertTrue(!ofTraining.contains(groups.get(number(fold.second(), i))));
      }
      assertEquals(data.size() / 5.0, fold.second().size(), 6);
      LabelStatistics part = Datasets.statistics(fold.second());
      for (int j = 0; j < 2; j++) {
        assertEquals(all.labels().get(j).yes() / 5.0, part.labels().get(j).yes(), 6);
        assertEquals(all.labels().get(j).no() / 5.0, part.labels().get(j).no(), 8);
      }
    }
    assertEquals(data.size(), held.size());
    assertEquals(
        number(folds.get(1).second(), 7),
        number(Datasets.foldsGrouped(data, groups, 5, 3).get(1).second(), 7));
  }

  @Test
  void nullIsAGroupOfItsOwn() {
    Dataset data = Datasets.of(new float[6], Shape.vector(1)); // no targets
    List<Split> folds = Datasets.foldsGrouped(data, Collections.nCopies(6, null), 6, 1);
    folds.forEach(fold -> assertEquals(1, fold.second().size()));
  }

  @Test
  void refusesTooFewGroups() {
    Dataset data = Datasets.of(new float[4], Shape.vector(1));
    List<String> two = List.of("a", "b", "a", "b");
    assertEquals(2, Datasets.foldsGrouped(data, two, 2, 1).size());
    String message =
        assertThrows(IllegalArgumentException.class, () -> Datasets.foldsGrouped(data, two, 3, 1))
            .getMessage();
    assertEquals("groups: expected at least 3 groups for as many folds, got 2", message);
    assertThrows(ShapeException.class, () -> Datasets.foldsGrouped(data, List.of("a", "b"), 2, 1));
    assertThrows(IllegalArgumentException.class, () -> Datasets.foldsGrouped(data, two, 1, 1));
  }
}
