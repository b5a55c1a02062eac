// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Lays out the metrics of a task for people. */
final class MetricsTable {
  /** A wider confusion does not fit a screen. */
  private static final int MOST_CLASSES = 16;

  private MetricsTable() {}

  /** Returns lines, each ended. */
  static String of(Task task, List<Metric> all, List<AnswerCounts> counts, long[][] confusion) {
    StringBuilder text = new StringBuilder();
    text.append(TextTable.of(whole(task, all))).append('\n');
    text.append(TextTable.of(each(task, all, counts)));
    if (task.kind() == Task.Kind.CLASSES && confusion.length <= MOST_CLASSES) {
      text.append('\n').append(TextTable.of(confusion(task, confusion)));
    }
    return text.toString();
  }

  private static List<String[]> whole(Task task, List<Metric> all) {
    List<String[]> rows = new ArrayList<>();
    rows.add(new String[] {task.name(), "value", "support"});
    for (Metric metric : all) {
      if (metric.label().isEmpty()) {
        rows.add(new String[] {metric.name(), value(metric), count(metric.support())});
      }
    }
    return rows;
  }

  /** One row a label, class or value, with a column for each of its metrics. */
  private static List<String[]> each(Task task, List<Metric> all, List<AnswerCounts> counts) {
    Set<String> names = new LinkedHashSet<>();
    all.stream().filter(m -> !m.label().isEmpty()).forEach(m -> names.add(m.name()));
    List<String> header = new ArrayList<>();
    switch (task.kind()) {
      case LABELS -> header.addAll(List.of("label", "yes", "no", "blank", "threshold"));
      case CLASSES -> header.addAll(List.of("class", "examples"));
      default -> header.add("value");
    }
    header.addAll(names);
    List<String[]> rows = new ArrayList<>();
    rows.add(header.toArray(String[]::new));
    for (int j = 0; j < task.width(); j++) {
      String label = task.outputNames().get(j);
      List<String> row = new ArrayList<>(List.of(label));
      if (task.kind() == Task.Kind.LABELS) {
        row.add(count(counts.get(j).knownYes()));
        row.add(count(counts.get(j).knownNo()));
        row.add(count(counts.get(j).blanks()));
        row.add(number(task.thresholds().get(j)));
      } else if (task.kind() == Task.Kind.CLASSES) {
        row.add(count(counts.get(j).knownYes()));
      }
      for (String name : names) {
        row.add(
            all.stream()
                .filter(metric -> metric.name().equals(name) && metric.label().equals(label))
                .findFirst()
                .map(MetricsTable::value)
                .orElse("-"));
      }
      rows.add(row.toArray(String[]::new));
    }
    return rows;
  }

  private static List<String[]> confusion(Task task, long[][] confusion) {
    List<String[]> rows = new ArrayList<>();
    List<String> header = new ArrayList<>(List.of("true \\ predicted"));
    header.addAll(task.outputNames());
    rows.add(header.toArray(String[]::new));
    for (int i = 0; i < confusion.length; i++) {
      List<String> row = new ArrayList<>(List.of(task.outputNames().get(i)));
      for (long number : confusion[i]) {
        row.add(count(number));
      }
      rows.add(row.toArray(String[]::new));
    }
    return rows;
  }

  private static String value(Metric metric) {
    return metric.isDefined() ? number(metric.value()) : "-";
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }

  private static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }
}
