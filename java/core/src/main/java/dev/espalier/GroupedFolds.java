// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Folds that keep groups whole. The largest group first, each goes where the fold has least of what
 * the group has: the sum over its classes, yeses and noes, and examples, of the fold's count times
 * the group's, by the square of how many there are in all; that is what the sum of the squares of
 * the folds' shares grows by, but for what is the same in all folds.
 */
final class GroupedFolds {
  private final int[][] strata; // of each example; one more is that of all
  private final double[] total;
  private final double[][] ofFold;

  private GroupedFolds(int[][] strata, int count, int k) {
    this.strata = strata;
    total = new double[count];
    ofFold = new double[k][count];
    for (int[] list : strata) {
      Arrays.stream(list).forEach(s -> total[s]++);
    }
  }

  /** Returns the examples of each fold. */
  static List<int[]> parts(Dataset data, List<?> groups, int k, long seed) {
    int[][] strata = strata(data);
    int count = 1 + Arrays.stream(strata).mapToInt(list -> list[list.length - 1]).max().orElse(0);
    List<int[]> members = members(groups, data.size(), seed);
    if (members.size() < k) {
      throw new IllegalArgumentException(
          "groups: expected at least " + k + " groups for as many folds, got " + members.size());
    }
    GroupedFolds folds = new GroupedFolds(strata, count, k);
    List<List<int[]>> chosen = new ArrayList<>();
    for (int fold = 0; fold < k; fold++) {
      chosen.add(new ArrayList<>());
    }
    for (int[] group : members) {
      chosen.get(folds.place(group)).add(group);
    }
    return chosen.stream()
        .map(fold -> fold.stream().flatMapToInt(Arrays::stream).toArray())
        .toList();
  }

  /** Each example's strata, and behind them the one of all. */
  private static int[][] strata(Dataset data) {
    int[][] labels =
        data.targets().isEmpty() ? new int[data.size()][0] : Stratification.strata(data, true);
    int all = 1 + Arrays.stream(labels).flatMapToInt(Arrays::stream).max().orElse(-1);
    return Arrays.stream(labels)
        .map(
            list -> {
              int[] longer = Arrays.copyOf(list, list.length + 1);
              longer[list.length] = all;
              return longer;
            })
        .toArray(int[][]::new);
  }

  /** Returns the examples of each group, the largest first, equal ones in random order. */
  private static List<int[]> members(List<?> groups, int size, long seed) {
    Map<Object, List<Integer>> byGroup = new LinkedHashMap<>();
    for (int example : Shuffle.permutation(size, seed, 0)) {
      Object group = groups.get(example);
      Object key = group == null ? new Object() : group;
      byGroup.computeIfAbsent(key, k -> new ArrayList<>()).add(example);
    }
    return byGroup.values().stream()
        .map(list -> list.stream().mapToInt(Integer::intValue).toArray())
        .sorted(Comparator.comparingInt((int[] group) -> group.length).reversed())
        .toList();
  }

  private int place(int[] group) {
    int best = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int fold = 0; fold < ofFold.length; fold++) {
      double growth = 0;
      for (int example : group) {
        for (int s : strata[example]) {
          growth += ofFold[fold][s] / (total[s] * total[s]);
        }
      }
      if (growth < least) {
        least = growth;
        best = fold;
      }
    }
    for (int example : group) {
      for (int s : strata[example]) {
        ofFold[best][s]++;
      }
    }
    return best;
  }
}
