// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.CheckReturnValue;
import dev.espalier.Shape;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Which columns of a CSV file are what: {@code CsvOptions.inputs("age", "lab_*").targets("",
 * "effusion", "pneumonia").blanks("?", "NA")}. Immutable; each method returns a changed copy.
 *
 * <p>A column is named as in the header, or by a pattern in which {@code *} stands for any
 * characters; what a pattern finds comes in the order of the file. A column is used once: a pattern
 * or {@link #rest} among the inputs that would take a target is refused, or nothing would be left
 * to learn.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class CsvOptions {
  private final Optional<List<String>> inputs; // empty: the rest
  private final List<String> ignored;
  private final List<TaskColumns> tasks;
  private final Optional<Shape> shape;
  private final char separator;
  private final Set<String> blanks;

  private CsvOptions(
      Optional<List<String>> inputs,
      List<String> ignored,
      List<TaskColumns> tasks,
      Optional<Shape> shape,
      char separator,
      Set<String> blanks) {
    this.inputs = inputs;
    this.ignored = ignored;
    this.tasks = tasks;
    this.shape = shape;
    this.separator = separator;
    this.blanks = blanks;
  }

  /** The columns of a task; with names of classes, one column. */
  record TaskColumns(String task, List<String> columns, List<String> classes) {
    TaskColumns {
      Objects.requireNonNull(task, "task");
    }
  }

  /**
   * Names the columns of the inputs, all numbers.
   *
   * @param columns names or patterns, in the order of the network's input
   * @return the options
   */
  public static CsvOptions inputs(String... columns) {
    return with(Optional.of(checked("columns", columns)));
  }

  /**
   * Takes as inputs all columns that are neither targets nor left out ({@link #without}), in the
   * order of the file.
   *
   * @return the options
   */
  public static CsvOptions rest() {
    return with(Optional.empty());
  }

  private static CsvOptions with(Optional<List<String>> inputs) {
    return new CsvOptions(inputs, List.of(), List.of(), Optional.empty(), ',', Set.of(""));
  }

  /**
   * Leaves columns out of what patterns and {@link #rest} find: identifiers, say.
   *
   * @param columns names or patterns
   * @return changed options
   */
  public CsvOptions without(String... columns) {
    List<String> all = new ArrayList<>(ignored);
    all.addAll(checked("columns", columns));
    return new CsvOptions(inputs, List.copyOf(all), tasks, shape, separator, blanks);
  }

  /**
   * Adds the targets of a task of labels or values, all numbers; a blank field is unlabelled. The
   * columns' names are those of the labels or values, and are matched to the head's by name.
   *
   * @param task name of the task, or "" for the only one
   * @param columns names or patterns
   * @return changed options
   */
  public CsvOptions targets(String task, String... columns) {
    return with(new TaskColumns(task, checked("columns", columns), List.of()));
  }

  /**
   * Adds the targets of a task of classes; a blank field is unlabelled.
   *
   * @param task name of the task, or "" for the only one
   * @param column name in the header
   * @param names what the column says, each the name of a class of the head, in any order
   * @return changed options
   */
  public CsvOptions classes(String task, String column, String... names) {
    Objects.requireNonNull(column, "column");
    return with(new TaskColumns(task, List.of(column), checked("names", names)));
  }

  private CsvOptions with(TaskColumns task) {
    for (TaskColumns former : tasks) {
      if (former.task().equals(task.task())) {
        throw new IllegalArgumentException("task \"" + task.task() + "\": given twice");
      }
    }
    List<TaskColumns> all = new ArrayList<>(tasks);
    all.add(task);
    return new CsvOptions(inputs, ignored, List.copyOf(all), shape, separator, blanks);
  }

  /**
   * Gives the inputs a shape other than a vector.
   *
   * @param shape of as many values as there will be input columns
   * @return changed options
   */
  public CsvOptions shape(Shape shape) {
    Objects.requireNonNull(shape, "shape");
    return new CsvOptions(inputs, ignored, tasks, Optional.of(shape), separator, blanks);
  }

  /**
   * Sets what separates the fields. Default a comma.
   *
   * @param separator any character but a quote and those that end a line
   * @return changed options
   */
  public CsvOptions separator(char separator) {
    if (separator == '"' || separator == '\n' || separator == '\r') {
      throw new IllegalArgumentException(
          "separator: expected neither a quote nor the end of a line, got " + (int) separator);
    }
    return new CsvOptions(inputs, ignored, tasks, shape, separator, blanks);
  }

  /**
   * Sets what, besides nothing, leaves a target unlabelled. Default none. Inputs have no blanks.
   *
   * @param blanks as "?" or "NA"; spaces around a field do not count
   * @return changed options
   */
  public CsvOptions blanks(String... blanks) {
    Set<String> all = new HashSet<>(checked("blanks", blanks));
    all.add("");
    return new CsvOptions(inputs, ignored, tasks, shape, separator, Set.copyOf(all));
  }

  private static List<String> checked(String what, String... names) {
    Objects.requireNonNull(names, what);
    Set<String> seen = new HashSet<>();
    for (String name : names) {
      if (Objects.requireNonNull(name, what).isEmpty() || !seen.add(name)) {
        throw new IllegalArgumentException(
            what + ": expected names that differ and are not empty, got \"" + name + "\"");
      }
    }
    if (seen.isEmpty()) {
      throw new IllegalArgumentException(what + ": expected at least one name, got none");
    }
    return List.of(names);
  }

  Optional<List<String>> inputs() {
    return inputs;
  }

  List<String> ignored() {
    return ignored;
  }

  List<TaskColumns> tasks() {
    return tasks;
  }

  Optional<Shape> shape() {
    return shape;
  }

  char separator() {
    return separator;
  }

  Set<String> blanks() {
    return blanks;
  }

  /** Returns which columns are what. */
  @Override
  public String toString() {
    return "CsvOptions[inputs "
        + inputs.map(List::toString).orElse("the rest")
        + ", "
        + tasks
        + "]";
  }
}
