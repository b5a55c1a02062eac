// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.ml.linalg.DenseVector;
import org.apache.spark.ml.linalg.SparseVector;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;
import scala.Tuple3;

/** Turns rows into inputs of a network, or says what is wrong with one. Belongs to one thread. */
final class InputReader {
  private final InputColumns columns;
  private final SharedPredictor model;
  private final float[] input;

  InputReader(InputColumns columns, SharedPredictor model) {
    this.columns = columns;
    this.model = model;
    input = new float[model.predictor().inputSize()];
  }

  /**
   * Writes the input of an example.
   *
   * @param row its columns, or its array of floats or doubles, for which the columns have null
   * @param destination where to write
   * @param offset index of the first value
   * @return what is wrong with it, null if nothing is; then what was written is the input
   */
  @Nullable String read(Tuple3<Row, float[], double[]> row, FloatBuffer destination, int offset) {
    String problem =
        switch (columns.kind()) {
          case VECTOR -> readVector(row._1());
          case FLOATS -> readFloats(row._1(), row._2());
          case DOUBLES -> readDoubles(row._1(), row._3());
          case LIST -> readList(row._1(), columns.positions().get(0));
          case NUMBERS -> readNumbers(row._1());
          case PICTURE, TEXT, TABLE -> readByModel(row._1());
        };
    if (problem == null) {
      destination.put(offset, input);
    }
    return problem;
  }

  private @Nullable String readVector(Row row) {
    Vector vector = row.getAs(columns.positions().get(0));
    if (vector == null) {
      return expected("a vector", "null");
    }
    if (vector.size() != input.length) {
      return sizes(vector.size());
    }
    if (vector instanceof SparseVector sparse) {
      Arrays.fill(input, 0);
      int[] indices = sparse.indices();
      for (int i = 0; i < indices.length; i++) {
        input[indices[i]] = (float) sparse.values()[i];
      }
    } else {
      narrow(((DenseVector) vector).values());
    }
    return finiteInput();
  }

  private @Nullable String readFloats(Row row, float @Nullable [] values) {
    if (values == null) {
      return readList(row, columns.nullsAt());
    }
    if (values.length != input.length) {
      return sizes(values.length);
    }
    System.arraycopy(values, 0, input, 0, input.length);
    return finiteInput();
  }

  private @Nullable String readDoubles(Row row, double @Nullable [] values) {
    if (values == null) {
      return readList(row, columns.nullsAt());
    }
    if (values.length != input.length) {
      return sizes(values.length);
    }
    narrow(values);
    return finiteInput();
  }

  /** Reads an array whose elements are objects. */
  private @Nullable String readList(Row row, int position) {
    if (position < 0 || row.isNullAt(position)) {
      return expected("an array", "null");
    }
    List<Number> values = row.getList(position);
    if (values.size() != input.length) {
      return sizes(values.size());
    }
    int i = 0;
    for (Number value : values) {
      if (value == null) {
        return expected("finite numbers", "null at " + i);
      }
      input[i++] = value.floatValue();
    }
    return finiteInput();
  }

  private @Nullable String readNumbers(Row row) {
    for (int i = 0; i < input.length; i++) {
      Object value = row.get(columns.positions().get(i));
      if (value instanceof Number number) {
        input[i] = number.floatValue();
      } else if (value instanceof Boolean isTrue) {
        input[i] = isTrue ? 1 : 0;
      }
      if (value == null || !Float.isFinite(input[i])) {
        return "column \"" + columns.names().get(i) + "\": expected a finite number, got " + value;
      }
    }
    return null;
  }

  /** Reads what the model itself knows how to: a text that it says is wrong is the problem. */
  private @Nullable String readByModel(Row row) {
    float[] values;
    try {
      if (columns.kind() == InputKind.TABLE) {
        Map<String, Object> cells = new HashMap<>();
        for (int i = 0; i < columns.names().size(); i++) {
          cells.put(columns.names().get(i), row.get(columns.positions().get(i)));
        }
        values = model.tables().row(cells);
      } else {
        Object value = row.get(columns.positions().get(0));
        if (value == null) {
          return expected(columns.kind() == InputKind.TEXT ? "a text" : "a picture", "null");
        }
        values =
            columns.kind() == InputKind.TEXT
                ? model.texts().rows((String) value)
                : model.pictures().read((byte[]) value);
      }
    } catch (IllegalArgumentException problem) {
      return columns.kind() == InputKind.TABLE // which names the column
          ? problem.getMessage()
          : "column \"" + columns.names().get(0) + "\": " + problem.getMessage();
    }
    System.arraycopy(values, 0, input, 0, input.length);
    return null;
  }

  private void narrow(double[] values) {
    for (int i = 0; i < values.length; i++) {
      input[i] = (float) values[i];
    }
  }

  private @Nullable String finiteInput() {
    for (int i = 0; i < input.length; i++) {
      if (!Float.isFinite(input[i])) {
        return expected("finite numbers", input[i] + " at " + i);
      }
    }
    return null;
  }

  private String sizes(int got) {
    return expected(input.length + " values, as the model reads", "" + got);
  }

  private String expected(String expected, String got) {
    return "column \"" + columns.names().get(0) + "\": expected " + expected + ", got " + got;
  }
}
