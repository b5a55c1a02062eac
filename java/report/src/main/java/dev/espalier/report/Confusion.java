// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.Metrics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** Which classes are taken for which: all of few, and the pairs that it happens to most often. */
final class Confusion {
  private static final int MOST_CLASSES = 30;
  private static final int MOST_PAIRS = 10;

  private Confusion() {}

  static Section add(Section section, Metrics metrics) {
    List<String> names = metrics.task().outputNames();
    long[][] counts = metrics.confusion();
    Section with = section;
    if (names.size() <= MOST_CLASSES) {
      Map<String, Object> block = Section.block("confusion");
      block.put("names", names);
      block.put(
          "counts", Arrays.stream(counts).map(row -> Arrays.stream(row).boxed().toList()).toList());
      with = with.with(block);
    }
    List<List<Object>> pairs = pairs(names, counts);
    return pairs.isEmpty()
        ? with
        : with.table(List.of("is", "was taken for", "examples", "share of the class"), pairs);
  }

  private static List<List<Object>> pairs(List<String> names, long[][] counts) {
    List<List<Object>> pairs = new ArrayList<>();
    for (int is = 0; is < counts.length; is++) {
      long all = Arrays.stream(counts[is]).sum();
      for (int taken = 0; taken < counts.length; taken++) {
        if (taken != is && counts[is][taken] > 0) {
          double share = (double) counts[is][taken] / all;
          pairs.add(List.of(names.get(is), names.get(taken), counts[is][taken], share));
        }
      }
    }
    pairs.sort(Comparator.comparingLong(pair -> -(Long) pair.get(2)));
    return pairs.subList(0, Math.min(MOST_PAIRS, pairs.size()));
  }
}
