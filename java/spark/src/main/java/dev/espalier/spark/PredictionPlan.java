// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.PredictorOptions;
import dev.espalier.Task;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * What tasks do with the rows of a partition.
 *
 * @param digest of the model
 * @param heads that are computed; empty for all, or none where there is a layer
 * @param layers that are computed
 * @param batchSize examples at once, at most
 * @param dropsInputs whether the columns of the inputs are left out of what comes back
 * @param outputs columns that are added
 * @param problems what becomes of rows without an answer
 * @param problemColumn the last column that is added, which says what is wrong with a row; "" for
 *     none
 */
record PredictionPlan(
    String digest,
    List<String> heads,
    List<String> layers,
    int batchSize,
    InputColumns inputs,
    boolean dropsInputs,
    List<Output> outputs,
    ProblemPolicy problems,
    String problemColumn)
    implements Serializable {
  /** Direct memory of a task's inputs, at most, if it is for more than one example. */
  private static final long MAX_BATCH_BYTES = 32L << 20;

  /** Returns the columns of tasks and of a layer. */
  static List<Output> outputs(
      List<Task> tasks, List<String> heads, Optional<Output> layer, String prefix) {
    List<Output> outputs = new ArrayList<>();
    int start = 0;
    for (Task task : tasks) {
      if (heads.isEmpty() ? layer.isPresent() : !heads.contains(task.name())) {
        continue;
      }
      String name = prefix + task.name();
      outputs.add(
          ofTask(
              name + (isValues(task) ? "_value" : "_probability"),
              Output.Kind.VALUES,
              task,
              start));
      if (task.kind() == Task.Kind.LABELS) {
        outputs.add(ofTask(name + "_labels", Output.Kind.LABELS, task, start));
      } else if (task.kind() == Task.Kind.CLASSES) {
        outputs.add(ofTask(name + "_class", Output.Kind.CLASS, task, start));
      }
      start += task.width();
    }
    if (layer.isPresent()) {
      outputs.add(Output.ofLayer(layer.get().column(), start, layer.get().width()));
    }
    return outputs;
  }

  private static boolean isValues(Task task) {
    return task.kind() == Task.Kind.VALUES;
  }

  private static Output ofTask(String column, Output.Kind kind, Task task, int start) {
    return new Output(
        column,
        kind,
        start,
        task.width(),
        task.kind().name(),
        task.outputNames(),
        task.thresholds());
  }

  boolean tellsProblems() {
    return !problemColumn.isEmpty();
  }

  /** Returns the names of the columns that are added. */
  List<String> columnNames() {
    List<String> names = new ArrayList<>(outputs.stream().map(Output::column).toList());
    if (tellsProblems()) {
      names.add(problemColumn);
    }
    return names;
  }

  /** Returns the types of the columns that are added, by their positions. */
  StructType schema() {
    StructType schema = new StructType();
    for (int i = 0; i < outputs.size(); i++) {
      schema = schema.add("o" + i, outputs.get(i).type());
    }
    return tellsProblems() ? schema.add("o" + outputs.size(), DataTypes.StringType) : schema;
  }

  /** Returns whether a column of the rows that come comes back. */
  boolean keeps(int position) {
    return !dropsInputs || !inputs.positions().contains(position);
  }

  /** Returns a schema with the columns that are added. What passes a task may hold null. */
  StructType added(StructType schema) {
    StructType result = new StructType();
    for (int i = 0; i < schema.length(); i++) {
      StructField field = schema.fields()[i];
      if (keeps(i)) {
        result = result.add(field.name(), field.dataType(), true, field.metadata());
      }
    }
    StructField[] added = schema().fields();
    List<String> names = columnNames();
    for (int i = 0; i < added.length; i++) {
      Metadata metadata = i < outputs.size() ? outputs.get(i).metadata() : Metadata.empty();
      result = result.add(names.get(i), added[i].dataType(), true, metadata);
    }
    return result;
  }

  /** Returns how many values the predictor answers. */
  int outputSize() {
    return outputs.stream().mapToInt(output -> output.start() + output.width()).max().orElse(0);
  }

  /**
   * Refuses columns that there are.
   *
   * @param present names of the columns that there are
   */
  void requireNewColumns(List<String> present) {
    Set<String> taken = new HashSet<>();
    present.forEach(name -> taken.add(name.toLowerCase(Locale.ROOT)));
    for (String name : columnNames()) {
      if (!taken.add(name.toLowerCase(Locale.ROOT))) {
        throw new IllegalArgumentException(
            "column \""
                + name
                + "\": expected a name that there is not; see outputPrefix, featuresCol and"
                + " problemCol");
      }
    }
  }

  /** Returns the predictor's options for the task that this thread runs. */
  PredictorOptions options(int inputSize, int outputSize) {
    long rowBytes = (long) Float.BYTES * Math.max(inputSize, outputSize);
    PredictorOptions options =
        PredictorOptions.defaults()
            .threads(TaskThreads.of(TaskContext.get()))
            .maxBatchSize((int) Math.max(1, Math.min(batchSize, MAX_BATCH_BYTES / rowBytes)));
    if (!heads.isEmpty()) {
      options = options.heads(heads.toArray(String[]::new));
    }
    return layers.isEmpty() ? options : options.layers(layers.toArray(String[]::new));
  }
}
