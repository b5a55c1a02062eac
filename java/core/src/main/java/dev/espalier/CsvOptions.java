// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Which columns of a CSV file are what: {@code CsvOptions.inputs("height", "width").targets("",
 * "edible", "sweet")}. Immutable; each method returns a changed copy.
 */
public final class CsvOptions {
  private final List<String> inputs;
  private final Optional<Shape> shape;
  private final char separator;
  private final List<Column> tasks;

  private CsvOptions(
      List<String> inputs, Optional<Shape> shape, char separator, List<Column> tasks) {
    this.inputs = inputs;
    this.shape = shape;
    this.separator = separator;
    this.tasks = tasks;
  }

  /**
   * Names the columns of the inputs, all numbers.
   *
   * @param columns names in the header, in the order of the network's input
   * @return the options
   */
  public static CsvOptions inputs(String... columns) {
    return new CsvOptions(
        List.of(Arguments.names("columns", columns)), Optional.empty(), ',', List.of());
  }

  /**
   * Gives the inputs a shape other than a vector.
   *
   * @param shape of as many values as there are input columns
   * @return changed options
   * @throws ShapeException if the size differs
   */
  public CsvOptions shape(Shape shape) {
    if (Objects.requireNonNull(shape, "shape").size() != inputs.size()) {
      throw new ShapeException("shape: expected " + inputs.size() + " values, got " + shape);
    }
    return new CsvOptions(inputs, Optional.of(shape), separator, tasks);
  }

  /**
   * Adds the targets of a task of labels or values, all numbers; a blank field is unlabelled.
   *
   * @param task name of the task, or "" for the only one
   * @param columns names in the header, in the order of the task's labels
   * @return changed options
   */
  public CsvOptions targets(String task, String... columns) {
    return with(new Column(task, List.of(Arguments.names("columns", columns)), List.of()));
  }

  /**
   * Adds the targets of a task of classes; a blank field is unlabelled.
   *
   * @param task name of the task, or "" for the only one
   * @param column name in the header
   * @param names what the column says, in the order of the task's classes
   * @return changed options
   */
  public CsvOptions classes(String task, String column, String... names) {
    Objects.requireNonNull(column, "column");
    return with(new Column(task, List.of(column), List.of(Arguments.names("names", names))));
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
    return new CsvOptions(inputs, shape, separator, tasks);
  }

  List<String> inputs() {
    return inputs;
  }

  Shape shape() {
    return shape.orElse(Shape.vector(inputs.size()));
  }

  char separator() {
    return separator;
  }

  List<Column> tasks() {
    return tasks;
  }

  private CsvOptions with(Column task) {
    for (Column former : tasks) {
      if (former.task().equals(task.task())) {
        throw new IllegalArgumentException("task \"" + task.task() + "\": given twice");
      }
    }
    List<Column> changed = new ArrayList<>(tasks);
    changed.add(task);
    return new CsvOptions(inputs, shape, separator, List.copyOf(changed));
  }

  /** The columns of a task; with names of classes, one column. */
  record Column(String task, List<String> columns, List<String> classes) {
    Column {
      Objects.requireNonNull(task, "task");
    }
  }
}
