// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * A run's results as text: a table for each kind of workload and metric, a line for each cell, this
 * library's value first and then each peer's with the ratio, above 1 where this library is better.
 */
final class Tables {
  private final List<ResultsFile.Row> rows;
  private final MachineLimits limits;

  Tables(List<ResultsFile.Row> rows) {
    this.rows = rows;
    limits = new MachineLimits(rows);
  }

  @Override
  public String toString() {
    Map<String, List<ResultsFile.Row>> tables = new LinkedHashMap<>();
    StringBuilder machine = new StringBuilder();
    for (ResultsFile.Row row : rows) {
      String kind = row.key().workload().replaceAll("-.*|[0-9].*", "");
      if (kind.equals("machine")) {
        machine.append(String.format(Locale.ROOT, "  %s %.4g", row.key().metric(), row.value()));
        continue;
      }
      tables.computeIfAbsent(kind + ", " + row.key().metric(), k -> new ArrayList<>()).add(row);
    }
    StringBuilder text = new StringBuilder();
    if (!machine.isEmpty()) {
      text.append("\nOne core of this machine at most:").append(machine).append('\n');
    }
    tables.forEach((title, table) -> text.append(table(title, table)));
    List<String> notes = KnownFigures.notes(rows);
    if (!notes.isEmpty()) {
      text.append("\nMore than 20 % below what these libraries reach elsewhere, scaled by this");
      text.append(" machine's limits:\n");
      notes.forEach(note -> text.append("  ").append(note).append('\n'));
    }
    return text.toString();
  }

  private String table(String title, List<ResultsFile.Row> table) {
    Set<String> contenders = new LinkedHashSet<>();
    Map<String, Map<String, Double>> lines = new LinkedHashMap<>();
    Map<String, String> shares = new HashMap<>();
    int width = table.stream().mapToInt(row -> row.key().workload().length()).reduce(16, Math::max);
    for (ResultsFile.Row row : table) {
      ResultsFile.Key key = row.key();
      contenders.add(key.contender());
      String line =
          String.format(
              Locale.ROOT, "%-" + width + "s %7d %5d", key.workload(), key.threads(), key.batch());
      lines.computeIfAbsent(line, k -> new LinkedHashMap<>()).put(key.contender(), row.value());
      if (key.contender().equals("espalier")) {
        shares.put(line, limits.share(key, row.value()));
      }
    }
    boolean isHigherBetter = Regressions.isHigherBetter(table.get(0).key().metric());
    StringBuilder text = new StringBuilder();
    text.append('\n').append(title).append('\n');
    text.append(String.format("%-" + width + "s %7s %5s", "workload", "threads", "batch"));
    contenders.forEach(name -> text.append(String.format(" %20s", name)));
    text.append('\n');
    lines.forEach(
        (line, values) -> {
          text.append(line);
          for (String contender : contenders) {
            text.append(' ')
                .append(cell(values.get(contender), ours(contender, values), isHigherBetter));
          }
          text.append("  ").append(shares.getOrDefault(line, ""));
          text.append('\n');
        });
    return text.toString();
  }

  /** What a contender's value is compared with; null if it isn't. */
  private static Double ours(String contender, Map<String, Double> values) {
    return contender.equals("espalier") ? null : values.get("espalier");
  }

  private static String cell(Double value, Double ours, boolean isHigherBetter) {
    if (value == null) {
      return String.format("%20s", "");
    }
    String number = String.format(Locale.ROOT, value < 1e5 ? "%.4g" : "%.0f", value);
    if (ours == null || value == 0 || ours == 0) {
      return String.format("%20s", number);
    }
    double ratio = isHigherBetter ? ours / value : value / ours;
    return String.format(Locale.ROOT, "%10s (%5.2f x)", number, ratio);
  }
}
