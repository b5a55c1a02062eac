// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;

/**
 * A column that is made of what a predictor answers.
 *
 * @param column its name
 * @param start where its values begin among the predictor's
 * @param width how many they are
 * @param names of the labels or classes
 * @param thresholds of the labels
 */
record Output(
    String column, Kind kind, int start, int width, List<String> names, List<Double> thresholds)
    implements Serializable {
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
