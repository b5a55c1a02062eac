// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.Task;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;

/**
 * Which labels go together: of the examples where both are known and the first is yes, the share
 * where the second is yes too; and pairs of which nobody ever said both.
 */
final class LabelsTogether {
  private static final int MOST_LABELS = 30;

  private LabelsTogether() {}

  /**
   * Adds a matrix; nothing for a single label.
   *
   * @param known {@code [labels][examples]}
   */
  static Section add(Section section, Task task, float[][] known) {
    if (task.width() < 2) {
      return section;
    }
    int[] labels = LabelBlocks.mostKnown(known);
    int count = Math.min(MOST_LABELS, labels.length);
    BitSet[] answered = new BitSet[count];
    BitSet[] yes = new BitSet[count];
    List<String> names = new ArrayList<>();
    for (int k = 0; k < count; k++) {
      float[] answers = known[labels[k]];
      names.add(task.outputNames().get(labels[k]));
      answered[k] = new BitSet(answers.length);
      yes[k] = new BitSet(answers.length);
      for (int i = 0; i < answers.length; i++) {
        answered[k].set(i, !Float.isNaN(answers[i]));
        yes[k].set(i, answers[i] >= 0.5f);
      }
    }
    List<Object> shares = new ArrayList<>();
    List<List<Integer>> both = new ArrayList<>();
    List<List<String>> never = new ArrayList<>();
    for (int a = 0; a < count; a++) {
      double[] row = new double[count];
      List<Integer> rowOfBoth = new ArrayList<>();
      for (int b = 0; b < count; b++) {
        int ofYes = common(yes[a], answered[b]);
        row[b] = ofYes == 0 ? Double.NaN : (double) common(yes[a], yes[b]) / ofYes;
        rowOfBoth.add(common(answered[a], answered[b]));
        if (b > a && rowOfBoth.get(b) == 0) {
          never.add(List.of(names.get(a), names.get(b)));
        }
      }
      shares.add(row);
      both.add(rowOfBoth);
    }
    Map<String, Object> block = Section.block("together");
    block.put("names", names);
    block.put("omitted", task.width() - count);
    block.put("shares", shares);
    block.put("both", both);
    block.put("never", never);
    return section.with(block);
  }

  private static int common(BitSet one, BitSet other) {
    BitSet both = (BitSet) one.clone();
    both.and(other);
    return both.cardinality();
  }
}
