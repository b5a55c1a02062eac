// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.Target;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the rows of a source into a table. */
final class TableReader {
  static final int MOST_CATEGORIES = 1000;
  private static final int MOST_ROWS = 1 << 30;

  private final RowSource.Opener opener;
  private final TableOptions options;
  private final Cells cells;
  private List<TableColumn> columns = List.of();
  private List<ColumnData> data = List.of();
  private int[] taskOfColumn = {};

  private TableReader(RowSource.Opener opener, TableOptions options) {
    this.opener = opener;
    this.options = options;
    cells = new Cells(options);
  }

  /** Throws an {@link IllegalArgumentException} that names source, place and column. */
  static Table read(RowSource.Opener opener, TableOptions options) {
    return new TableReader(opener, options).read();
  }

  private Table read() {
    try (RowSource source = opener.open()) {
      List<String> header = source.header().stream().map(String::strip).toList();
      ColumnRules rules;
      try {
        rules = ColumnRules.of(header, options);
      } catch (IllegalArgumentException error) {
        throw new IllegalArgumentException(source.name() + ": " + error.getMessage(), error);
      }
      columns = roles(source, header, rules);
      data = columns.stream().map(column -> new ColumnData()).toList();
      taskOfColumn = new int[header.size()];
      for (int t = 0; t < options.tasks().size(); t++) {
        for (int column : rules.columnsOfTask(t)) {
          taskOfColumn[column] = t;
        }
      }
      int size = 0;
      while (source.next()) {
        if (size == MOST_ROWS) {
          throw new IllegalArgumentException(source.name() + ": expected at most 2^30 rows");
        }
        for (int column = 0; column < columns.size(); column++) {
          if (columns.get(column).role() != ColumnRole.IGNORE) {
            add(source, column);
          }
        }
        size++;
      }
      if (size == 0) {
        throw new IllegalArgumentException(source.name() + ": expected at least one row, got none");
      }
      return Table.of(columns, data, tasks(source, rules), options, size);
    }
  }

  private List<TableColumn> roles(RowSource source, List<String> header, ColumnRules rules) {
    List<@Nullable TableColumn> known = new ArrayList<>();
    for (int column = 0; column < header.size(); column++) {
      ColumnRole hint = source.hint(column);
      known.add(
          !rules.isOpen(column)
              ? rules.column(column)
              : hint == null ? null : ColumnProfile.guess(header.get(column), hint));
    }
    if (known.contains(null)) {
      guess(header, known);
    }
    return List.copyOf(known);
  }

  /** Goes through the whole source once to guess the roles that are not known. */
  private void guess(List<String> header, List<@Nullable TableColumn> known) {
    List<ColumnProfile> profiles = new ArrayList<>();
    for (int column = 0; column < header.size(); column++) {
      profiles.add(new ColumnProfile(cells));
    }
    try (RowSource source = opener.open()) {
      if (source.header().size() != header.size()) {
        throw new IllegalArgumentException(
            source.name() + ": expected it to stay as it is while it is read, got another header");
      }
      while (source.next()) {
        for (int column = 0; column < header.size(); column++) {
          if (known.get(column) == null) {
            profiles.get(column).add(source.get(column));
          }
        }
      }
    }
    for (int column = 0; column < header.size(); column++) {
      if (known.get(column) == null) {
        known.set(column, profiles.get(column).guess(header.get(column)));
      }
    }
  }

  private void add(RowSource source, int column) {
    Object value = source.get(column);
    ColumnData into = data.get(column);
    ColumnRole role = columns.get(column).role();
    if (role == ColumnRole.TEXT || role == ColumnRole.ID) {
      into.add(value == null || cells.isBlank(value) ? "" : value.toString().strip());
      return;
    }
    boolean isLabel = role == ColumnRole.LABEL;
    if (value == null || cells.isBlank(value) || (isLabel && isNaN(value))) {
      into.add(Double.NaN);
      return;
    }
    double number =
        switch (role) {
          case NUMBER -> cells.number(value);
          case DATE -> cells.days(value);
          case CATEGORY -> category(into, value);
          default -> target(taskOfColumn[column], into, value);
        };
    if (Double.isNaN(number)) {
      throw error(source, column, value);
    }
    into.add(number);
  }

  private static boolean isNaN(Object value) {
    return value instanceof Double number && number.isNaN()
        || value instanceof Float real && real.isNaN();
  }

  private static double category(ColumnData into, Object value) {
    String text = Cells.category(value);
    int place = text == null ? MOST_CATEGORIES : into.place(text);
    return place < MOST_CATEGORIES ? place : Double.NaN;
  }

  private double target(int task, ColumnData into, Object value) {
    TableOptions.TaskColumns of = options.tasks().get(task);
    return switch (of.kind()) {
      case LABELS -> cells.label(value);
      case VALUES -> cells.number(value);
      case CLASSES -> {
        String text = Cells.category(value);
        int place = of.classes().isEmpty() ? 0 : of.classes().indexOf(text);
        yield text == null || place < 0
            ? Double.NaN
            : of.classes().isEmpty() ? into.place(text) : place;
      }
    };
  }

  private IllegalArgumentException error(RowSource source, int column, Object value) {
    String expected =
        switch (columns.get(column).role()) {
          case NUMBER -> Cells.NUMBER;
          case DATE -> cells.expectedDate();
          case CATEGORY ->
              data.get(column).differentTexts().size() > MOST_CATEGORIES
                  ? "at most "
                      + MOST_CATEGORIES
                      + " different categories (or the role text, id or ignore)"
                  : "a text, number or boolean";
          default -> expectedTarget(options.tasks().get(taskOfColumn[column]));
        };
    return new IllegalArgumentException(
        source.name()
            + ", "
            + source.place()
            + ": column \""
            + columns.get(column).name()
            + "\": expected "
            + cells.orBlank(expected)
            + ", got "
            + Cells.shown(value));
  }

  private String expectedTarget(TableOptions.TaskColumns task) {
    return switch (task.kind()) {
      case LABELS -> cells.expectedLabel();
      case VALUES -> Cells.NUMBER;
      case CLASSES ->
          task.classes().isEmpty()
              ? "the name of a class"
              : "one of " + ColumnRules.brief(task.classes());
    };
  }

  private List<TableTask> tasks(RowSource source, ColumnRules rules) {
    List<TableTask> tasks = new ArrayList<>();
    for (int t = 0; t < options.tasks().size(); t++) {
      TableOptions.TaskColumns task = options.tasks().get(t);
      int[] places = rules.columnsOfTask(t);
      List<String> names = new ArrayList<>();
      List<ColumnData> ofTask = new ArrayList<>();
      for (int column : places) {
        names.add(columns.get(column).name());
        ofTask.add(data.get(column));
      }
      if (task.kind() == TableOptions.TaskKind.CLASSES) {
        if (places.length != 1) {
          throw new IllegalArgumentException(
              source.name() + ": expected one column of classes, got " + names);
        }
        names = classes(source, task, columns.get(places[0]), ofTask.get(0));
        tasks.add(new TableTask(Target.classes(task.task(), names), task.kind(), ofTask));
      } else {
        tasks.add(new TableTask(Target.numbers(task.task(), names), task.kind(), ofTask));
      }
    }
    return tasks;
  }

  /** Returns the names of the classes: those that were given, or all there are, in order. */
  private static List<String> classes(
      RowSource source, TableOptions.TaskColumns task, TableColumn column, ColumnData codes) {
    if (!task.classes().isEmpty()) {
      return task.classes();
    }
    List<String> ordered = new ArrayList<>(codes.differentTexts());
    if (ordered.isEmpty()) {
      throw new IllegalArgumentException(
          source.name() + ": column \"" + column.name() + "\": expected classes, got blanks alone");
    }
    ordered.sort(inOrder(ordered));
    codes.reorder(ordered);
    return List.copyOf(ordered);
  }

  /** Orders whole numbers by their size, else by the letters. */
  static Comparator<String> inOrder(List<String> texts) {
    boolean areWhole = texts.stream().allMatch(text -> text.matches("-?(0|[1-9]\\d{0,17})"));
    return areWhole ? Comparator.comparingLong(Long::parseLong) : Comparator.naturalOrder();
  }
}
