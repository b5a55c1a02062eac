// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.Task;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.MetadataBuilder;
import org.apache.spark.sql.types.StructField;

/**
 * A column that is made of what a predictor answers.
 *
 * @param column its name
 * @param start where its values begin among the predictor's
 * @param width how many they are
 * @param taskKind of the task whose answers they are; empty for a layer
 * @param names of the task's labels, classes or values
 * @param thresholds of the labels
 */
record Output(
    String column,
    Kind kind,
    int start,
    int width,
    String taskKind,
    List<String> names,
    List<Double> thresholds)
    implements Serializable {
  private static final String KEY = "espalier";

  /** Makes a column of what a layer makes. */
  static Output ofLayer(String column, int start, int width) {
    return new Output(column, Kind.VALUES, start, width, "", List.of(), List.of());
  }

  enum Kind {
    /** All values: probabilities, numbers or features. */
    VALUES,
    /** The labels that count as true. */
    LABELS,
    /** The most probable class. */
    CLASS
  }

  DataType type() {
    return switch (kind) {
      case VALUES -> SQLDataTypes.VectorType();
      case LABELS -> DataTypes.createArrayType(DataTypes.StringType, false);
      case CLASS -> DataTypes.StringType;
    };
  }

  /** Returns what an evaluator has to know of the column of a task's answers. */
  Metadata metadata() {
    if (kind != Kind.VALUES || names.isEmpty()) {
      return Metadata.empty();
    }
    Metadata about =
        new MetadataBuilder()
            .putString("kind", taskKind)
            .putStringArray("names", names.toArray(String[]::new))
            .putDoubleArray("thresholds", thresholds.stream().mapToDouble(t -> t).toArray())
            .build();
    return new MetadataBuilder().putMetadata(KEY, about).build();
  }

  /** Returns the task that a column says it has the answers of. */
  static Task task(String name, StructField column) {
    if (!column.metadata().contains(KEY)) {
      throw new IllegalArgumentException(
          "column \"" + column.name() + "\": expected one that an EspalierModel made");
    }
    Metadata about = column.metadata().getMetadata(KEY);
    List<String> names = List.of(about.getStringArray("names"));
    List<Double> thresholds = Arrays.stream(about.getDoubleArray("thresholds")).boxed().toList();
    return Task.of(name, Task.Kind.valueOf(about.getString("kind")), names).thresholds(thresholds);
  }

  /**
   * Returns the column's value for an example.
   *
   * @param answers of the predictor
   */
  Object value(float[] answers) {
    return switch (kind) {
      case VALUES -> {
        double[] values = new double[width];
        for (int i = 0; i < width; i++) {
          values[i] = answers[start + i];
        }
        yield Vectors.dense(values);
      }
      case LABELS -> {
        List<String> labels = new ArrayList<>();
        for (int i = 0; i < width; i++) {
          if (answers[start + i] >= thresholds.get(i)) {
            labels.add(names.get(i));
          }
        }
        yield labels.toArray(new String[0]);
      }
      case CLASS -> names.get(best(answers));
    };
  }

  /** Returns the largest answer's place: among equals the first; NaN counts as smallest. */
  private int best(float[] answers) {
    int best = 0;
    for (int i = 1; i < width; i++) {
      float former = answers[start + best];
      if (answers[start + i] > former || Float.isNaN(former)) {
        best = i;
      }
    }
    return best;
  }
}
