// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Choices of examples that keep the shares of classes and labels, after the iterative
 * stratification of Sechidis et al. 2011, "On the stratification of multi-label data", ECML PKDD:
 * the rarest class or label comes first. Differs from the paper in that an example goes where all
 * its classes and labels together come nearest to their shares, instead of the rarest alone; that
 * the parts have exact sizes; and that a label's no counts as well as its yes.
 */
final class Stratification {
  private Stratification() {}

  static Split split(Dataset data, double fraction, long seed) {
    int count = SubsetDataset.firstCount(data, fraction);
    boolean[] isFirst = choose(strata(data, true), count, seed);
    return new Split(
        new SubsetDataset(data, where(isFirst, true)),
        new SubsetDataset(data, where(isFirst, false)));
  }

  static Dataset fewShot(Dataset data, int count, long seed) {
    Arguments.inRange("count", count, 1, Math.max(1, data.size()));
    if (data.size() == 0) {
      throw new IllegalArgumentException("fewShot: expected at least one example, got none");
    }
    return new SubsetDataset(data, where(choose(strata(data, true), count, seed), true));
  }

  static Dataset fewShotPerLabel(Dataset data, int count, long seed) {
    Arguments.positive("count", count);
    int[][] strata = strata(data, false);
    int[] chosen = new int[strataCount(strata)];
    boolean[] isChosen = new boolean[data.size()];
    for (int example : Shuffle.permutation(data.size(), seed, 0)) {
      boolean isWanted = Arrays.stream(strata[example]).anyMatch(s -> chosen[s] < count);
      if (isWanted) {
        isChosen[example] = true;
        Arrays.stream(strata[example]).forEach(s -> chosen[s]++);
      }
    }
    return new SubsetDataset(data, where(isChosen, true));
  }

  /** Returns which {@code count} of the examples with these strata belong to the first part. */
  static boolean[] choose(int[][] strata, int count, long seed) {
    int size = strata.length;
    int[] order = Shuffle.permutation(size, seed, 0);
    boolean[] isFirst = new boolean[size];
    boolean[] isPlaced = new boolean[size];
    int[] open = new int[strataCount(strata)];
    Arrays.stream(strata).forEach(list -> Arrays.stream(list).forEach(s -> open[s]++));
    double share = (double) count / size;
    double[] lacks = new double[open.length]; // how many the first part has less than its share
    double lacksInAll = 0;
    int[] room = {count, size - count};
    for (int stratum = rarest(open); stratum >= 0; stratum = rarest(open)) {
      for (int example : order) {
        if (isPlaced[example] || !contains(strata[example], stratum)) {
          continue;
        }
        boolean first =
            room[1] == 0 || room[0] > 0 && prefersFirst(strata[example], lacks, lacksInAll, share);
        isPlaced[example] = true;
        isFirst[example] = first;
        room[first ? 0 : 1]--;
        double change = first ? share - 1 : share;
        lacksInAll += change;
        for (int s : strata[example]) {
          open[s]--;
          lacks[s] += change;
        }
      }
    }
    for (int example : order) {
      if (!isPlaced[example] && room[0] > 0) {
        isFirst[example] = true;
        room[0]--;
      }
    }
    return isFirst;
  }

  /**
   * Decides by the sum of squares of what the first part lacks, over the example's strata and all
   * examples: in the first part each lack x becomes x - (1 - share), else x + share, and the former
   * sum is less if the mean of x is above 1/2 - share.
   */
  private static boolean prefersFirst(
      int[] strata, double[] lacks, double lacksInAll, double share) {
    double sum = lacksInAll;
    for (int s : strata) {
      sum += lacks[s];
    }
    return sum > (strata.length + 1) * (0.5 - share);
  }

  private static int rarest(int[] open) {
    int rarest = -1;
    for (int s = 0; s < open.length; s++) {
      if (open[s] > 0 && (rarest < 0 || open[s] < open[rarest])) {
        rarest = s;
      }
    }
    return rarest;
  }

  /** Returns each example's strata: its classes, the labels answered yes and, if asked for, no. */
  static int[][] strata(Dataset data, boolean countsNo) {
    Map<List<Object>, Integer> numbers = new LinkedHashMap<>();
    int[][] strata = new int[data.size()][];
    List<Target> targets = data.targets();
    if (targets.isEmpty()) {
      throw new IllegalStateException("expected a data set with targets, got none");
    }
    for (int i = 0; i < strata.length; i++) {
      List<Integer> list = new ArrayList<>();
      for (Target target : targets) {
        float[] values = Datasets.target(data, target.task(), i);
        for (int j = 0; j < values.length; j++) {
          boolean counts =
              target.isClasses() ? values[j] >= 0 : values[j] == 1 || (countsNo && values[j] == 0);
          if (counts) {
            List<Object> key = List.of(target.task(), j, values[j]);
            list.add(numbers.computeIfAbsent(key, k -> numbers.size()));
          }
        }
      }
      strata[i] = list.stream().mapToInt(Integer::intValue).toArray();
    }
    return strata;
  }

  private static int strataCount(int[][] strata) {
    return 1 + Arrays.stream(strata).flatMapToInt(Arrays::stream).max().orElse(-1);
  }

  private static boolean contains(int[] strata, int stratum) {
    for (int s : strata) {
      if (s == stratum) {
        return true;
      }
    }
    return false;
  }

  private static int[] where(boolean[] flags, boolean wanted) {
    int[] indices = new int[flags.length];
    int count = 0;
    for (int i = 0; i < flags.length; i++) {
      if (flags[i] == wanted) {
        indices[count++] = i;
      }
    }
    return Arrays.copyOf(indices, count);
  }
}
