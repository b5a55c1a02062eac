// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.EpochResult;
import dev.espalier.History;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A history as RFC 4180 has it. */
final class HistoryCsv {
  private static final List<String> FIRST =
      List.of("epoch", "stage", "steps", "seconds", "is_best");

  private HistoryCsv() {}

  static String of(History history) {
    Set<List<String>> names = new LinkedHashSet<>();
    history.epochs().forEach(epoch -> names.addAll(HistoryScalars.of(epoch).keySet()));
    StringBuilder text = new StringBuilder();
    List<String> header = new ArrayList<>(FIRST);
    names.forEach(name -> header.add(String.join(".", name)));
    addLine(text, header);
    long steps = 0;
    for (EpochResult epoch : history.epochs()) {
      steps += epoch.steps();
      List<String> line = new ArrayList<>();
      line.add(Integer.toString(epoch.epoch()));
      line.add(Integer.toString(epoch.stage()));
      line.add(Long.toString(steps));
      line.add(Double.toString(epoch.seconds()));
      line.add(Boolean.toString(epoch.isBest()));
      Map<List<String>, Double> scalars = HistoryScalars.of(epoch);
      for (List<String> name : names) {
        double value = scalars.getOrDefault(name, Double.NaN);
        line.add(Double.isFinite(value) ? Double.toString(value) : "");
      }
      addLine(text, line);
    }
    return text.toString();
  }

  private static void addLine(StringBuilder text, List<String> cells) {
    for (int i = 0; i < cells.size(); i++) {
      text.append(i == 0 ? "" : ",").append(quoted(cells.get(i)));
    }
    text.append("\r\n");
  }

  private static String quoted(String cell) {
    boolean isPlain = cell.chars().noneMatch(c -> c == ',' || c == '"' || c == '\r' || c == '\n');
    return isPlain ? cell : '"' + cell.replace("\"", "\"\"") + '"';
  }
}
