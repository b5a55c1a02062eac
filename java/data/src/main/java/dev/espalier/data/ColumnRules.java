// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What {@link TableOptions} say of the columns of a header. */
final class ColumnRules {
  private static final int MOST_LISTED = 20;

  private final List<String> header;
  private final TableOptions options;
  private final Map<String, Integer> columnOfName = new HashMap<>();
  private final TableOptions.@Nullable Rule[] ruleOfColumn;

  private ColumnRules(List<String> header, TableOptions options) {
    this.header = header;
    this.options = options;
    ruleOfColumn = new TableOptions.Rule[header.size()];
  }

  /** Throws an {@link IllegalArgumentException} that says which column there is not, or twice. */
  static ColumnRules of(List<String> header, TableOptions options) {
    ColumnRules rules = new ColumnRules(header, options);
    rules.requireDistinct();
    for (TableOptions.Rule rule : options.rules()) {
      rules.apply(rule);
    }
    for (int t = 0; t < options.tasks().size(); t++) {
      if (rules.columnsOfTask(t).length == 0) {
        throw new IllegalArgumentException(
            "task \""
                + options.tasks().get(t).task()
                + "\": expected a column, got none but those that have names of their own");
      }
    }
    return rules;
  }

  /** Of two columns of one name nobody could say which is meant. */
  private void requireDistinct() {
    for (int column = 0; column < header.size(); column++) {
      Integer first = columnOfName.putIfAbsent(header.get(column), column);
      if (first != null) {
        throw new IllegalArgumentException(
            "header: expected a name of its own for each column, got \""
                + header.get(column)
                + "\" for columns "
                + (first + 1)
                + " and "
                + (column + 1));
      }
    }
  }

  private void apply(TableOptions.Rule rule) {
    int[] columns = find(rule.pattern());
    if (columns.length == 0) {
      throw new IllegalArgumentException(
          "expected a column \"" + rule.pattern() + "\", got " + brief(header));
    }
    for (int column : columns) {
      TableOptions.Rule former = ruleOfColumn[column];
      int rank = former == null ? 1 : Integer.compare(rank(rule), rank(former));
      if (rank == 0 && (rule.role() != former.role() || rule.task() != former.task())) {
        throw new IllegalArgumentException(
            "column \""
                + header.get(column)
                + "\": expected one role, got "
                + said(former)
                + " and "
                + said(rule));
      }
      if (rank > 0) {
        ruleOfColumn[column] = rule;
      }
    }
  }

  private int[] find(String name) {
    if (name.indexOf('*') < 0) {
      Integer column = columnOfName.get(name);
      return column == null ? new int[0] : new int[] {column};
    }
    Pattern pattern = pattern(name);
    return IntStream.range(0, header.size())
        .filter(column -> pattern.matcher(header.get(column)).matches())
        .toArray();
  }

  private static Pattern pattern(String name) {
    return Pattern.compile(
        Arrays.stream(name.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*")),
        Pattern.DOTALL);
  }

  /** Names go before patterns, these by how much of a name they have. */
  private static int rank(TableOptions.Rule rule) {
    boolean isPattern = rule.pattern().indexOf('*') >= 0;
    return isPattern ? rule.pattern().replace("*", "").length() : Integer.MAX_VALUE;
  }

  private String said(TableOptions.Rule rule) {
    String role = TableColumn.word(rule.role());
    return rule.task() < 0
        ? role
        : role + " of task \"" + options.tasks().get(rule.task()).task() + '"';
  }

  /** Returns whether nothing says what a column is. */
  boolean isOpen(int column) {
    return ruleOfColumn[column] == null;
  }

  /** Returns a column of which something is said. */
  TableColumn column(int column) {
    TableOptions.Rule rule = ruleOfColumn[column];
    String task = rule.task() < 0 ? "" : " of task \"" + options.tasks().get(rule.task()).task();
    return new TableColumn(
        header.get(column),
        rule.role(),
        task.isEmpty() ? "as asked for" : "as asked for," + task + '"');
  }

  /** Returns a task's columns in the order of its patterns, and within one, of the header. */
  int[] columnsOfTask(int task) {
    Map<String, List<Integer>> found = new LinkedHashMap<>();
    options.tasks().get(task).patterns().forEach(name -> found.put(name, new ArrayList<>()));
    for (int column = 0; column < ruleOfColumn.length; column++) {
      TableOptions.Rule rule = ruleOfColumn[column];
      if (rule != null && rule.task() == task) {
        found.get(rule.pattern()).add(column);
      }
    }
    return found.values().stream().flatMap(List::stream).mapToInt(Integer::intValue).toArray();
  }

  /** Lists the first few names, and says how many more there are. */
  static String brief(List<String> names) {
    return names.size() <= MOST_LISTED
        ? names.toString()
        : "["
            + String.join(", ", names.subList(0, MOST_LISTED))
            + " and "
            + (names.size() - MOST_LISTED)
            + " more]";
  }
}
