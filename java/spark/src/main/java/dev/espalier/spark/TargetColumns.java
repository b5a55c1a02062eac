// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.Head;
import dev.espalier.Task;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructType;

/**
 * Which columns hold the answers that a network is trained on.
 *
 * @param labelsTask name of the task of labels
 * @param labels columns of yes/no questions, each a label of that name
 * @param classes columns of one class of several, each a task of that name
 * @param valuesTask name of the task of values
 * @param values columns of numbers, each a value of that name
 */
record TargetColumns(
    String labelsTask,
    List<String> labels,
    List<String> classes,
    String valuesTask,
    List<String> values) {
  /** Refuses columns that there are not, or of types that are no answers. */
  void require(StructType schema) {
    if (labels.isEmpty() && classes.isEmpty() && values.isEmpty()) {
      throw new IllegalArgumentException(
          "labelCols, classCols, valueCols: expected at least one column, got none");
    }
    for (String name : labels) {
      requireType(schema, name, "a number or boolean", TargetColumns::isNumberOrBoolean);
    }
    for (String name : classes) {
      requireType(
          schema,
          name,
          "a text, number or boolean",
          type -> type instanceof StringType || isNumberOrBoolean(type));
    }
    for (String name : values) {
      requireType(schema, name, "a number", NumericType.class::isInstance);
    }
  }

  private static boolean isNumberOrBoolean(DataType type) {
    return type instanceof NumericType || type instanceof BooleanType;
  }

  private static void requireType(
      StructType schema, String name, String expected, Predicate<DataType> isFine) {
    DataType type = schema.fields()[InputColumns.position(schema, name)].dataType();
    if (!isFine.test(type)) {
      throw new IllegalArgumentException(
          "column \"" + name + "\": expected " + expected + ", got " + type.simpleString());
    }
  }

  /** Returns the heads that answer what the columns ask, with the names of all classes. */
  Map<String, Head> heads(Map<String, List<String>> classNames) {
    Map<String, Head> heads = new LinkedHashMap<>();
    if (!labels.isEmpty()) {
      heads.put(labelsTask, Head.labels(labels.toArray(String[]::new)));
    }
    classNames.forEach(
        (name, names) -> heads.put(name, Head.classes(names.toArray(String[]::new))));
    if (!values.isEmpty()) {
      heads.put(valuesTask, Head.values(values.toArray(String[]::new)));
    }
    return heads;
  }

  /** Returns the tasks that there will be; the names of classes follow from the data. */
  List<Task> tasks() {
    List<Task> tasks = new ArrayList<>();
    if (!labels.isEmpty()) {
      tasks.add(Task.of(labelsTask, Task.Kind.LABELS, labels));
    }
    classes.forEach(name -> tasks.add(Task.of(name, Task.Kind.CLASSES, List.of("any"))));
    if (!values.isEmpty()) {
      tasks.add(Task.of(valuesTask, Task.Kind.VALUES, values));
    }
    return tasks;
  }
}
