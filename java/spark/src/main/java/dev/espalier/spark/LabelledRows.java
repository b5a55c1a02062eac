// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.jspecify.annotations.Nullable;

/**
 * Examples that were collected to the driver, in an order that follows from what they are alone:
 * not from partitions, nor from which task was done first.
 */
final class LabelledRows {
  private final List<Example> examples;
  private final TargetColumns targets;
  private final Shape shape;
  private final Map<String, List<String>> classNames = new LinkedHashMap<>();

  /** Features, and answers: NaN or null where nobody said. */
  private record Example(
      float[] features, float[] numbers, @Nullable Object[] classes, boolean isValidation)
      implements Comparable<Example> {
    @Override
    public int compareTo(Example other) {
      int order = Arrays.compare(features, other.features);
      if (order == 0) {
        order = Arrays.compare(numbers, other.numbers);
      }
      if (order == 0) {
        order = Arrays.toString(classes).compareTo(Arrays.toString(other.classes));
      }
      return order == 0 ? Boolean.compare(isValidation, other.isValidation) : order;
    }
  }

  private LabelledRows(List<Example> examples, TargetColumns targets, Shape shape) {
    this.examples = examples;
    this.targets = targets;
    this.shape = shape;
    for (int i = 0; i < targets.classes().size(); i++) {
      classNames.put(targets.classes().get(i), names(i));
    }
  }

  /**
   * Collects rows.
   *
   * @param rows with the answers
   * @param featuresCol a column of vectors
   * @param shape of the features
   * @param validationCol says which rows are for validation; "" if none does
   */
  static LabelledRows collect(
      org.apache.spark.sql.Dataset<Row> rows,
      String featuresCol,
      TargetColumns targets,
      Shape shape,
      String validationCol) {
    List<Column> columns = new ArrayList<>(List.of(column(rows, featuresCol)));
    List<String> numbers = new ArrayList<>(targets.labels());
    numbers.addAll(targets.values());
    numbers.forEach(name -> columns.add(column(rows, name).cast(DataTypes.DoubleType)));
    targets.classes().forEach(name -> columns.add(column(rows, name)));
    if (!validationCol.isEmpty()) {
      columns.add(column(rows, validationCol));
    }
    List<Example> examples = new ArrayList<>();
    int classes = 1 + numbers.size();
    for (Row row : rows.select(columns.toArray(Column[]::new)).collectAsList()) {
      float[] answers = new float[numbers.size()];
      for (int i = 0; i < answers.length; i++) {
        answers[i] = row.isNullAt(1 + i) ? Float.NaN : (float) row.getDouble(1 + i);
        requireAnswer(numbers.get(i), answers[i], i < targets.labels().size());
      }
      Object[] kinds = new Object[targets.classes().size()];
      for (int i = 0; i < kinds.length; i++) {
        kinds[i] = kind(row.get(classes + i));
      }
      int flag = classes + kinds.length;
      boolean isValidation =
          !validationCol.isEmpty() && !row.isNullAt(flag) && row.getBoolean(flag);
      examples.add(new Example(floats(row.getAs(0)), answers, kinds, isValidation));
    }
    examples.sort(null);
    return new LabelledRows(examples, targets, shape);
  }

  static Column column(org.apache.spark.sql.Dataset<Row> rows, String name) {
    return rows.col("`" + name.replace("`", "``") + "`");
  }

  /** Refuses what is no answer. */
  static void requireAnswer(String column, float answer, boolean isLabel) {
    boolean isFine = isLabel ? answer >= 0 && answer <= 1 : Float.isFinite(answer);
    if (!isFine && !Float.isNaN(answer)) {
      throw new IllegalArgumentException(
          "column \""
              + column
              + "\": expected "
              + (isLabel ? "0 to 1" : "finite numbers")
              + ", or null or NaN where nobody said, got "
              + answer);
    }
  }

  /** Returns a class as a text or number; null where nobody said. */
  static @Nullable Object kind(@Nullable Object value) {
    if (value instanceof Number number) {
      return Double.isNaN(number.doubleValue()) ? null : (Object) number.doubleValue();
    }
    return value == null ? null : value.toString();
  }

  static float[] floats(Vector vector) {
    float[] floats = new float[vector.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) vector.apply(i);
    }
    return floats;
  }

  private List<String> names(int task) {
    return classNames(
        targets.classes().get(task), examples.stream().map(example -> example.classes()[task]));
  }

  /** Returns the names of a column's classes, those of numbers in the order of numbers. */
  static List<String> classNames(String column, Stream<@Nullable Object> kinds) {
    TreeSet<Object> known = new TreeSet<>();
    kinds.filter(Objects::nonNull).forEach(known::add);
    if (known.size() < 2) {
      throw new IllegalArgumentException(
          "column \"" + column + "\": expected at least two classes, got " + known);
    }
    return known.stream().map(LabelledRows::name).toList();
  }

  static String name(Object kind) {
    return kind instanceof Double number && number == Math.rint(number) && Math.abs(number) < 1e15
        ? Long.toString(number.longValue())
        : kind.toString();
  }

  int size() {
    return examples.size();
  }

  /** Returns how many are for validation, or not. */
  int count(boolean isValidation) {
    return (int)
        examples.stream().filter(example -> example.isValidation() == isValidation).count();
  }

  /** Returns the heads that answer what the columns ask. */
  Map<String, Head> heads() {
    return targets.heads(classNames);
  }

  /** Returns all examples. */
  Dataset all() {
    return dataset(examples);
  }

  /** Returns those that are for validation, or the others. */
  Dataset part(boolean isValidation) {
    return dataset(
        examples.stream().filter(example -> example.isValidation() == isValidation).toList());
  }

  private Dataset dataset(List<Example> part) {
    int size = shape.size();
    float[] inputs = new float[Math.multiplyExact(part.size(), size)];
    for (int i = 0; i < part.size(); i++) {
      System.arraycopy(part.get(i).features(), 0, inputs, i * size, size);
    }
    Dataset data = Datasets.of(inputs, shape);
    int labels = targets.labels().size();
    if (labels > 0) {
      data =
          Datasets.withTargets(
              data, targets.labelsTask(), targets.labels(), numbers(part, 0, labels));
    }
    for (int i = 0; i < targets.classes().size(); i++) {
      int task = i;
      List<String> names = classNames.get(targets.classes().get(i));
      int[] classes =
          part.stream()
              .mapToInt(
                  example ->
                      example.classes()[task] == null
                          ? -1
                          : names.indexOf(name(example.classes()[task])))
              .toArray();
      data = Datasets.withClasses(data, targets.classes().get(i), names, classes);
    }
    int values = targets.values().size();
    return values == 0
        ? data
        : Datasets.withTargets(
            data, targets.valuesTask(), targets.values(), numbers(part, labels, labels + values));
  }

  private static float[][] numbers(List<Example> part, int from, int to) {
    return part.stream()
        .map(example -> Arrays.copyOfRange(example.numbers(), from, to))
        .toArray(float[][]::new);
  }
}
