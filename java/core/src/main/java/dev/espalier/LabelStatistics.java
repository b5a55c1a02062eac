// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * What a data set knows of its labels: how often each is answered, and which pairs of labels no
 * example answers both of. About how such a pair goes together nothing can be learned, and nothing
 * measured. Print it.
 *
 * @since 0.1
 */
public final class LabelStatistics {
  private static final int MOST_PAIRS = 1000;
  private static final int MOST_LINES = 100;
  private static final int MOST_CLASSES = 1 << 20; // as a head has

  private final int size;
  private final List<LabelCounts> labels;
  private final List<List<LabelCounts>> pairs;

  private LabelStatistics(int size, List<LabelCounts> labels, List<List<LabelCounts>> pairs) {
    this.size = size;
    this.labels = labels;
    this.pairs = pairs;
  }

  /** A label, value or class, and which examples answer it. */
  private record Column(LabelCounts counts, BitSet known) {}

  static LabelStatistics of(Dataset data) {
    List<LabelCounts> labels = new ArrayList<>();
    List<Column> questions = new ArrayList<>(); // of classes, all together are one
    for (Target target : data.targets()) {
      List<Column> columns = target.isClasses() ? classes(data, target) : numbers(data, target);
      columns.forEach(column -> labels.add(column.counts));
      questions.addAll(target.isClasses() ? columns.subList(0, 1) : columns);
    }
    return new LabelStatistics(data.size(), List.copyOf(labels), neverTogether(questions));
  }

  private static List<Column> numbers(Dataset data, Target target) {
    int width = target.width();
    int[][] counts = new int[width][4];
    List<BitSet> known = new ArrayList<>();
    for (int j = 0; j < width; j++) {
      known.add(new BitSet(data.size()));
    }
    for (int i = 0; i < data.size(); i++) {
      float[] row = Datasets.target(data, target.task(), i);
      for (int j = 0; j < width; j++) {
        float number = row[j];
        counts[j][kind(number)]++;
        known.get(j).set(i, !Float.isNaN(number));
      }
    }
    List<Column> columns = new ArrayList<>();
    for (int j = 0; j < width; j++) {
      int[] of = counts[j];
      columns.add(
          new Column(
              new LabelCounts(target.task(), name(target, j), of[0], of[1], of[2], of[3]),
              known.get(j)));
    }
    return columns;
  }

  private static int kind(float number) {
    if (Float.isNaN(number)) {
      return 3;
    }
    return number < 0 || number > 1 ? 2 : number >= 0.5f ? 0 : 1;
  }

  private static List<Column> classes(Dataset data, Target target) {
    List<Integer> counts = new ArrayList<>();
    target.names().forEach(name -> counts.add(0));
    BitSet known = new BitSet(data.size());
    for (int i = 0; i < data.size(); i++) {
      int of = (int) Datasets.target(data, target.task(), i)[0];
      if (of >= MOST_CLASSES) {
        throw new IllegalArgumentException(
            "example " + i + ": expected a class below " + MOST_CLASSES + ", got " + of);
      }
      if (of >= 0) {
        known.set(i);
        while (counts.size() <= of) {
          counts.add(0);
        }
        counts.set(of, counts.get(of) + 1);
      }
    }
    if (counts.isEmpty()) {
      counts.add(0); // without names or answers: class 0, so that the task is seen
    }
    List<Column> columns = new ArrayList<>();
    int answered = known.cardinality();
    for (int c = 0; c < counts.size(); c++) {
      int yes = counts.get(c);
      columns.add(
          new Column(
              new LabelCounts(
                  target.task(), name(target, c), yes, answered - yes, 0, data.size() - answered),
              known));
    }
    return columns;
  }

  private static String name(Target target, int index) {
    return index < target.names().size() ? target.names().get(index) : Integer.toString(index);
  }

  private static List<List<LabelCounts>> neverTogether(List<Column> columns) {
    List<List<LabelCounts>> pairs = new ArrayList<>();
    for (int a = 0; a < columns.size(); a++) {
      for (int b = a + 1; b < columns.size(); b++) {
        if (pairs.size() < MOST_PAIRS && !columns.get(a).known.intersects(columns.get(b).known)) {
          pairs.add(List.of(columns.get(a).counts, columns.get(b).counts));
        }
      }
    }
    return List.copyOf(pairs);
  }

  /**
   * Returns the number of examples.
   *
   * @return size of the data set
   */
  public int size() {
    return size;
  }

  /**
   * Returns what is known of each label, value and class.
   *
   * @return in the order of the data set's targets
   */
  public List<LabelCounts> labels() {
    return labels;
  }

  /**
   * Returns the pairs of labels, values or tasks of classes that no example answers both of; of a
   * task of classes its first class stands for all.
   *
   * @return two each; the first 1,000
   */
  public List<List<LabelCounts>> pairsNeverTogether() {
    return pairs;
  }

  /** Returns a line a label, then the pairs that are never labelled together. */
  @Override
  public String toString() {
    List<String[]> rows = new ArrayList<>();
    rows.add(new String[] {size + (size == 1 ? " example" : " examples"), "yes", "no", "blank"});
    boolean hasOther = labels.stream().anyMatch(label -> label.other() > 0);
    for (LabelCounts label : labels.subList(0, Math.min(MOST_LINES, labels.size()))) {
      rows.add(
          new String[] {
            label.qualified(),
            label.yes() + (hasOther && label.other() > 0 ? " + " + label.other() + " other" : ""),
            "" + label.no(),
            "" + label.blank()
          });
    }
    StringBuilder text = new StringBuilder(TextTable.of(rows));
    if (labels.size() > MOST_LINES) {
      text.append("and ").append(labels.size() - MOST_LINES).append(" more\n");
    }
    for (int p = 0; p < Math.min(MOST_LINES, pairs.size()); p++) {
      text.append("never both: ")
          .append(pairs.get(p).get(0).qualified())
          .append(" and ")
          .append(pairs.get(p).get(1).qualified())
          .append('\n');
    }
    if (pairs.size() > MOST_LINES) {
      text.append("and ").append(pairs.size() - MOST_LINES).append(" more pairs\n");
    }
    return text.toString();
  }
}
