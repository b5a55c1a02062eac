// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Folds for cross-validation. */
final class Folds {
  private Folds() {}

  static List<Split> random(Dataset data, int k, long seed) {
    requireCount(data, k);
    int[] order = Shuffle.permutation(data.size(), seed, 0);
    List<int[]> parts = new ArrayList<>();
    for (int fold = 0; fold < k; fold++) {
      parts.add(Arrays.copyOfRange(order, end(data, fold, k), end(data, fold + 1, k)));
    }
    return splits(data, parts);
  }

  /** Takes one part after the other, stratified, from what is left. */
  static List<Split> stratified(Dataset data, int k, long seed) {
    requireCount(data, k);
    int[][] strata = Stratification.strata(data, true);
    int[] left = Shuffle.identity(data.size());
    List<int[]> parts = new ArrayList<>();
    for (int fold = 0; fold < k; fold++) {
      int count = end(data, fold + 1, k) - end(data, fold, k);
      int[][] ofLeft = Arrays.stream(left).mapToObj(i -> strata[i]).toArray(int[][]::new);
      boolean[] isTaken = Stratification.choose(ofLeft, count, Shuffle.mix(seed, fold, 0));
      parts.add(where(left, isTaken, true));
      left = where(left, isTaken, false);
    }
    return splits(data, parts);
  }

  /** No group is in two parts. */
  static List<Split> grouped(Dataset data, List<?> groups, int k, long seed) {
    requireCount(data, k);
    if (groups.size() != data.size()) {
      throw new ShapeException(
          "groups: expected " + data.size() + ", one an example, got " + groups.size());
    }
    return splits(data, GroupedFolds.parts(data, groups, k, seed));
  }

  private static void requireCount(Dataset data, int k) {
    if (data.size() < 2) {
      throw new IllegalArgumentException("folds: expected at least 2 examples, got " + data.size());
    }
    Arguments.inRange("k", k, 2, data.size());
  }

  /** Returns where the first {@code folds} parts end. */
  private static int end(Dataset data, int folds, int k) {
    return (int) ((long) data.size() * folds / k);
  }

  private static List<Split> splits(Dataset data, List<int[]> parts) {
    List<Split> splits = new ArrayList<>();
    for (int[] heldOut : parts) {
      int[] rest =
          parts.stream().filter(part -> part != heldOut).flatMapToInt(IntStream::of).toArray();
      splits.add(new Split(new SubsetDataset(data, rest), new SubsetDataset(data, heldOut)));
    }
    return List.copyOf(splits);
  }

  private static int[] where(int[] indices, boolean[] flags, boolean wanted) {
    return IntStream.range(0, indices.length)
        .filter(i -> flags[i] == wanted)
        .map(i -> indices[i])
        .toArray();
  }
}
