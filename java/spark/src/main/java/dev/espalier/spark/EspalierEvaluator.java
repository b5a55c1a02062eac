// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.Metric;
import dev.espalier.Metrics;
import dev.espalier.Task;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.apache.spark.ml.evaluation.Evaluator;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.DefaultParamsWritable;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * A {@link Metric} of one task of an {@link EspalierModel}, for {@code CrossValidator}: answers
 * that nobody knows, null or NaN, count for nothing, which Spark's own evaluators can't have.
 *
 * <p>Known answers are in the columns that the task was trained on: those of the labels' or values'
 * names, for classes that of the task's. Rows without an answer of the model are not counted. The
 * answers of all rows come to the driver, 4 bytes a number.
 *
 * @since 0.1
 */
public final class EspalierEvaluator extends Evaluator implements DefaultParamsWritable {
  private static final long serialVersionUID = 1;
  private static final Set<String> LOWER_IS_BETTER =
      Set.of(
          Metric.HAMMING_LOSS,
          Metric.RANKING_LOSS,
          Metric.ONE_ERROR,
          Metric.COVERAGE,
          Metric.LOG_LOSS,
          Metric.EXPECTED_CALIBRATION_ERROR,
          Metric.MEAN_SQUARED_ERROR,
          Metric.MEAN_ABSOLUTE_ERROR);

  private final String uid;
  private final Param<String> task;
  private final Param<String> metric;
  private final Param<String> outputPrefix;

  /** Makes an evaluator of the macro AUC of the task {@code "labels"}. */
  public EspalierEvaluator() {
    this(Identifiable.randomUID("espalier"));
  }

  /**
   * Makes an evaluator of the macro AUC of the task {@code "labels"}.
   *
   * @param uid what tells it from others
   */
  public EspalierEvaluator(String uid) {
    this.uid = Objects.requireNonNull(uid, "uid");
    task = new Param<>(this, "task", "name of the task");
    metric = new Param<>(this, "metric", "name of the metric");
    outputPrefix = new Param<>(this, "outputPrefix", "as the model's");
    setDefault(task, "labels");
    setDefault(metric, Metric.MACRO_AUC);
    setDefault(outputPrefix, "");
  }

  /**
   * Returns what reads evaluators that {@link #save} wrote; Spark asks for it, too.
   *
   * @return the reader
   */
  public static MLReader<EspalierEvaluator> read() {
    return new DefaultParamsReader<>();
  }

  @Override
  public String uid() {
    return uid;
  }

  /**
   * Sets the task. Default {@code "labels"}.
   *
   * @param name of a task of the model
   * @return this
   */
  public EspalierEvaluator setTask(String name) {
    set(task, Objects.requireNonNull(name, "name"));
    return this;
  }

  /**
   * Sets the metric, one of the whole task. Default {@link Metric#MACRO_AUC}, for labels.
   *
   * @param name for example {@link Metric#LOG_LOSS}, for classes, or {@link Metric#R2}, for values
   * @return this
   */
  public EspalierEvaluator setMetric(String name) {
    set(metric, Objects.requireNonNull(name, "name"));
    return this;
  }

  /**
   * Sets what the names of the model's columns begin with. Default nothing.
   *
   * @param prefix as {@link EspalierModel#setOutputPrefix}
   * @return this
   */
  public EspalierEvaluator setOutputPrefix(String prefix) {
    set(outputPrefix, Objects.requireNonNull(prefix, "prefix"));
    return this;
  }

  /**
   * Returns the task.
   *
   * @return the setting
   */
  public Param<String> task() {
    return task;
  }

  /**
   * Returns the metric.
   *
   * @return the setting
   */
  public Param<String> metric() {
    return metric;
  }

  /**
   * Returns what the names of the model's columns begin with.
   *
   * @return the setting
   */
  public Param<String> outputPrefix() {
    return outputPrefix;
  }

  /**
   * Computes the metric.
   *
   * @throws IllegalArgumentException if there are no answers of that task, or none known; a column
   *     of known answers is missing; or there is no such metric, or it is not defined for them
   */
  @Override
  public double evaluate(Dataset<?> rows) {
    StructField column = answers(rows.schema());
    Task of = Output.task($(task), column);
    boolean isClasses = of.kind() == Task.Kind.CLASSES;
    List<Column> columns = new ArrayList<>(List.of(rows.col(quoted(column.name()))));
    if (isClasses) {
      columns.add(rows.col(quoted(of.name())));
    } else {
      for (String name : of.outputNames()) {
        columns.add(rows.col(quoted(name)).cast(DataTypes.DoubleType));
      }
    }
    List<Row> found =
        rows.select(columns.toArray(Column[]::new)).collectAsList().stream()
            .filter(row -> !row.isNullAt(0))
            .toList();
    if (found.isEmpty()) {
      throw new IllegalArgumentException("rows: expected at least one with an answer, got none");
    }
    float[][] answers =
        found.stream()
            .map(row -> LabelledRows.floats(row.<Vector>getAs(0)))
            .toArray(float[][]::new);
    Metrics metrics =
        isClasses
            ? Metrics.ofProbabilities(of, answers, classes(of, found))
            : Metrics.ofProbabilities(of, answers, numbers(of, found));
    Metric result = metrics.metric($(metric));
    if (!result.isDefined()) {
      throw new IllegalArgumentException(
          "metric: " + $(metric) + " of task \"" + of.name() + "\" is not defined for these rows");
    }
    return result.value();
  }

  private StructField answers(StructType schema) {
    String start = $(outputPrefix) + $(task);
    for (String end : new String[] {"_probability", "_value"}) {
      if (Arrays.asList(schema.fieldNames()).contains(start + end)) {
        return schema.fields()[InputColumns.position(schema, start + end)];
      }
    }
    throw new IllegalArgumentException(
        "task: expected a column \""
            + start
            + "_probability\" or \""
            + start
            + "_value\", got "
            + Arrays.toString(schema.fieldNames()));
  }

  private static String quoted(String column) {
    return "`" + column.replace("`", "``") + "`";
  }

  private static int[] classes(Task task, List<Row> rows) {
    return rows.stream()
        .mapToInt(
            row -> {
              Object kind = LabelledRows.kind(row.get(1));
              int index = kind == null ? -1 : task.outputNames().indexOf(LabelledRows.name(kind));
              if (kind != null && index < 0) {
                throw new IllegalArgumentException(
                    "column \""
                        + task.name()
                        + "\": expected one of "
                        + task.outputNames()
                        + ", got "
                        + kind);
              }
              return index;
            })
        .toArray();
  }

  private static float[][] numbers(Task task, List<Row> rows) {
    float[][] numbers = new float[rows.size()][task.width()];
    for (int i = 0; i < numbers.length; i++) {
      for (int j = 0; j < task.width(); j++) {
        Row row = rows.get(i);
        numbers[i][j] = row.isNullAt(1 + j) ? Float.NaN : (float) row.getDouble(1 + j);
      }
    }
    return numbers;
  }

  @Override
  public boolean isLargerBetter() {
    return !LOWER_IS_BETTER.contains($(metric));
  }

  @Override
  public EspalierEvaluator copy(ParamMap extra) {
    return defaultCopy(extra);
  }

  /** Returns for example {@code "EspalierEvaluator[macro_auc of labels]"}. */
  @Override
  public String toString() {
    return "EspalierEvaluator[" + $(metric) + " of " + $(task) + "]";
  }
}
