// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.CheckReturnValue;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which columns of a table are what: {@code TableOptions.defaults().labels("finding", "effusion",
 * "pneumonia").ignore("ward_*").blanks("?", "NA")}. Immutable; each method returns a changed copy.
 *
 * <p>A column is named as in the header, or by a pattern in which {@code *} stands for any
 * characters. Where several match one column, its own name goes before patterns, and a pattern with
 * more other characters before one with fewer: {@code number("*").ignore("lab_*").number("lab_9")}.
 * Two that are equal and say different things are an error. A column that nothing matches gets a
 * role that is guessed from what is in it, and said by {@link Table#toString}.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class TableOptions {
  private final List<Rule> rules;
  private final List<TaskColumns> tasks;
  private final Set<String> blanks;
  private final List<String> yes;
  private final List<String> no;
  private final String dateFormat;
  private final char separator;

  /** What a name or pattern says of columns; of a label, the index of its task. */
  record Rule(String pattern, ColumnRole role, int task) {}

  /** How a task's targets are read. */
  enum TaskKind {
    LABELS,
    VALUES,
    CLASSES
  }

  /** A task, the patterns of its columns, and of classes, their names, if any are given. */
  record TaskColumns(String task, TaskKind kind, List<String> patterns, List<String> classes) {}

  private TableOptions(
      List<Rule> rules,
      List<TaskColumns> tasks,
      Set<String> blanks,
      List<String> yes,
      List<String> no,
      String dateFormat,
      char separator) {
    this.rules = List.copyOf(rules);
    this.tasks = List.copyOf(tasks);
    this.blanks = Set.copyOf(blanks);
    this.yes = yes;
    this.no = no;
    this.dateFormat = dateFormat;
    this.separator = separator;
  }

  /**
   * Returns options that guess all roles, with fields separated by commas.
   *
   * @return the options
   */
  public static TableOptions defaults() {
    return new TableOptions(
        List.of(),
        List.of(),
        Set.of(""),
        List.of("1", "yes", "true"),
        List.of("0", "no", "false"),
        "",
        ',');
  }

  /**
   * Takes columns as inputs that are numbers; a blank is filled in.
   *
   * @param columns names or patterns
   * @return changed options
   */
  public TableOptions number(String... columns) {
    return with(ColumnRole.NUMBER, columns);
  }

  /**
   * Takes columns as inputs that are each one of a few texts, at most 1,000.
   *
   * @param columns names or patterns
   * @return changed options
   */
  public TableOptions category(String... columns) {
    return with(ColumnRole.CATEGORY, columns);
  }

  /**
   * Takes columns as inputs that are days, or days and times: in ISO form ({@code 2026-03-31},
   * {@code 2026-03-31 08:15}), or as {@link #dateFormat} says.
   *
   * @param columns names or patterns
   * @return changed options
   */
  public TableOptions date(String... columns) {
    return with(ColumnRole.DATE, columns);
  }

  /**
   * Keeps columns as texts ({@link Table#texts}), which are no inputs.
   *
   * @param columns names or patterns
   * @return changed options
   */
  public TableOptions text(String... columns) {
    return with(ColumnRole.TEXT, columns);
  }

  /**
   * Keeps columns that say which rows belong together: a patient's number, say. No inputs.
   *
   * @param columns names or patterns
   * @return changed options
   */
  public TableOptions id(String... columns) {
    return with(ColumnRole.ID, columns);
  }

  /**
   * Leaves columns out.
   *
   * @param columns names or patterns
   * @return changed options
   */
  public TableOptions ignore(String... columns) {
    return with(ColumnRole.IGNORE, columns);
  }

  /**
   * Adds the labels of a task: {@code 1}, {@code yes} or {@code true}; {@code 0}, {@code no} or
   * {@code false}, small or large; a number between; or nothing, where nobody said. The columns'
   * names are those of the labels, and are matched to the head's by name.
   *
   * @param task name of the task, or "" for the only one
   * @param columns names or patterns
   * @return changed options
   * @throws IllegalArgumentException if the task has columns already
   */
  public TableOptions labels(String task, String... columns) {
    return with(new TaskColumns(task, TaskKind.LABELS, checked("columns", columns), List.of()));
  }

  /**
   * Adds the values of a task: finite numbers, or nothing where nobody said; as for labels.
   *
   * @param task name of the task, or "" for the only one
   * @param columns names or patterns
   * @return changed options
   * @throws IllegalArgumentException if the task has columns already
   */
  public TableOptions values(String task, String... columns) {
    return with(new TaskColumns(task, TaskKind.VALUES, checked("columns", columns), List.of()));
  }

  /**
   * Adds the classes of a task: a name, or nothing where nobody said. They are matched to the
   * head's by name.
   *
   * @param task name of the task, or "" for the only one
   * @param column name in the header
   * @param names of the classes; none: all texts in the column, in order
   * @return changed options
   * @throws IllegalArgumentException if the task has a column already
   */
  public TableOptions classes(String task, String column, String... names) {
    Objects.requireNonNull(names, "names");
    List<String> classes = names.length == 0 ? List.of() : checked("names", names);
    return with(new TaskColumns(task, TaskKind.CLASSES, checked("column", column), classes));
  }

  /**
   * Sets what means nothing, besides an empty field, in all columns. Default none; spaces around a
   * field do not count.
   *
   * @param blanks as "?" or "NA"
   * @return changed options
   */
  public TableOptions blanks(String... blanks) {
    Set<String> all = new HashSet<>(checked("blanks", blanks));
    all.add("");
    return new TableOptions(rules, tasks, all, yes, no, dateFormat, separator);
  }

  /**
   * Adds words for the answers to labels: {@code answers("present", "absent")}.
   *
   * @param yes what means 1, small or large
   * @param no what means 0
   * @return changed options
   * @throws IllegalArgumentException if both are the same, or one has the other meaning already
   */
  public TableOptions answers(String yes, String no) {
    String small = checked("yes", yes).get(0).toLowerCase(Locale.ROOT);
    String other = checked("no", no).get(0).toLowerCase(Locale.ROOT);
    if (small.equals(other) || this.no.contains(small) || this.yes.contains(other)) {
      throw new IllegalArgumentException(
          "answers: expected words of different meaning, got \"" + yes + "\" and \"" + no + '"');
    }
    List<String> allYes = new ArrayList<>(this.yes);
    allYes.add(small);
    List<String> allNo = new ArrayList<>(this.no);
    allNo.add(other);
    return new TableOptions(
        rules, tasks, blanks, List.copyOf(allYes), List.copyOf(allNo), dateFormat, separator);
  }

  /**
   * Sets the form of dates, in the letters of {@link DateTimeFormatter}: {@code "dd.MM.yyyy"}.
   *
   * @param pattern of a day, or of a day and a time
   * @return changed options
   * @throws IllegalArgumentException if it is no such pattern
   */
  public TableOptions dateFormat(String pattern) {
    Objects.requireNonNull(pattern, "pattern");
    Dates.formatter(pattern);
    return new TableOptions(rules, tasks, blanks, yes, no, pattern, separator);
  }

  /**
   * Sets what separates the fields of a file. Default a comma.
   *
   * @param separator any character but a quote and those that end a line
   * @return changed options
   */
  public TableOptions separator(char separator) {
    if (separator == '"' || separator == '\n' || separator == '\r') {
      throw new IllegalArgumentException(
          "separator: expected neither a quote nor the end of a line, got " + (int) separator);
    }
    return new TableOptions(rules, tasks, blanks, yes, no, dateFormat, separator);
  }

  /** Returns options that give columns these roles, whatever is in them, and tasks as here. */
  TableOptions fixed(List<TableColumn> columns, List<TaskColumns> fixedTasks) {
    List<Rule> all = new ArrayList<>();
    for (TableColumn column : columns) {
      if (column.role() != ColumnRole.LABEL) {
        all.add(new Rule(column.name(), column.role(), -1));
      }
    }
    for (int t = 0; t < fixedTasks.size(); t++) {
      for (String column : fixedTasks.get(t).patterns()) {
        all.add(new Rule(column, ColumnRole.LABEL, t));
      }
    }
    return new TableOptions(all, fixedTasks, blanks, yes, no, dateFormat, separator);
  }

  private TableOptions with(ColumnRole role, String... columns) {
    List<Rule> all = new ArrayList<>(rules);
    checked("columns", columns).forEach(column -> all.add(new Rule(column, role, -1)));
    return new TableOptions(all, tasks, blanks, yes, no, dateFormat, separator);
  }

  private TableOptions with(TaskColumns task) {
    Objects.requireNonNull(task.task(), "task");
    for (TaskColumns former : tasks) {
      if (former.task().equals(task.task())) {
        throw new IllegalArgumentException("task \"" + task.task() + "\": given twice");
      }
    }
    List<Rule> all = new ArrayList<>(rules);
    task.patterns().forEach(p -> all.add(new Rule(p, ColumnRole.LABEL, tasks.size())));
    List<TaskColumns> allTasks = new ArrayList<>(tasks);
    allTasks.add(task);
    return new TableOptions(all, allTasks, blanks, yes, no, dateFormat, separator);
  }

  private static List<String> checked(String what, @Nullable String... names) {
    Objects.requireNonNull(names, what);
    List<String> all = new ArrayList<>();
    for (String name : names) {
      if (Objects.requireNonNull(name, what).isBlank() || all.contains(name.strip())) {
        throw new IllegalArgumentException(
            what + ": expected names that differ and are not empty, got \"" + name + "\"");
      }
      all.add(name.strip());
    }
    if (all.isEmpty()) {
      throw new IllegalArgumentException(what + ": expected at least one name, got none");
    }
    return List.copyOf(all);
  }

  List<Rule> rules() {
    return rules;
  }

  List<TaskColumns> tasks() {
    return tasks;
  }

  Set<String> blanks() {
    return blanks;
  }

  List<String> yes() {
    return yes;
  }

  List<String> no() {
    return no;
  }

  String dateFormat() {
    return dateFormat;
  }

  char separator() {
    return separator;
  }

  /** Returns the rules and tasks. */
  @Override
  public String toString() {
    return "TableOptions" + rules + (tasks.isEmpty() ? "" : " " + tasks);
  }
}
