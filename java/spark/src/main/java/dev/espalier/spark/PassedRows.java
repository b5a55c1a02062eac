// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import static org.apache.spark.sql.functions.array_contains;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.not;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.when;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoder;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.Tuple3;

/**
 * Rows on their way to tasks. Spark hands arrays over element by element, each an object, in rows;
 * only as a column by itself as an array of numbers. So an array that is the input goes beside its
 * row.
 *
 * @param rows with their columns by position, and the array of floats or doubles
 * @param schema of what goes as a row
 * @param aside place of the column that goes beside; -1 if none does
 */
record PassedRows(Dataset<Tuple3<Row, float[], double[]>> rows, StructType schema, int aside) {
  static PassedRows of(Dataset<?> rows, InputColumns inputs) {
    StructField[] fields = rows.schema().fields();
    int input = inputs.positions().get(0);
    int aside = -1;
    if (fields[input].dataType() instanceof ArrayType array && InputColumns.isPrimitive(array)) {
      aside = input;
    }
    // By position: names may be there twice, or have dots.
    Dataset<Row> numbered =
        rows.toDF(IntStream.range(0, fields.length).mapToObj(i -> "c" + i).toArray(String[]::new));
    List<Column> passed = new ArrayList<>();
    for (int i = 0; i < fields.length; i++) {
      passed.add(i == aside ? lit(null).cast(DataTypes.BooleanType).as("c" + i) : col("c" + i));
    }
    boolean mayHoldNulls = aside >= 0 && inputs.nullsAt() >= 0;
    if (mayHoldNulls) {
      Column array = col("c" + aside);
      passed.add(when(not(isWhole(array, fields[aside])), array).as("nulls"));
    }
    StructType passedSchema = numbered.select(passed.toArray(Column[]::new)).schema();
    Encoder<float[]> floats = rows.sparkSession().implicits().newFloatArrayEncoder();
    Encoder<double[]> doubles = rows.sparkSession().implicits().newDoubleArrayEncoder();
    Dataset<Tuple3<Row, float[], double[]>> typed =
        numbered
            .select(
                struct(passed.toArray(Column[]::new)).as("_1"),
                arrayOf(fields, inputs, InputKind.FLOATS).as("_2"),
                arrayOf(fields, inputs, InputKind.DOUBLES).as("_3"))
            .as(Encoders.tuple(Encoders.row(passedSchema), floats, doubles));
    return new PassedRows(typed, passedSchema, aside);
  }

  /** Returns whether an array is null or has neither null nor NaN among its elements. */
  private static Column isWhole(Column array, StructField field) {
    boolean isFloat = ((ArrayType) field.dataType()).elementType() instanceof FloatType;
    // False for an array without NaN and null, null for one with null and without NaN.
    Column contains = array_contains(array, isFloat ? (Object) Float.NaN : (Object) Double.NaN);
    return array.isNull().or(not(coalesce(contains, lit(true))));
  }

  private static Column arrayOf(StructField[] fields, InputColumns inputs, InputKind kind) {
    int input = inputs.positions().get(0);
    if (inputs.kind() != kind) {
      DataType element = kind == InputKind.FLOATS ? DataTypes.FloatType : DataTypes.DoubleType;
      return lit(null).cast(DataTypes.createArrayType(element, false));
    }
    Column array = col("c" + input);
    return inputs.nullsAt() < 0 ? array : when(isWhole(array, fields[input]), array);
  }
}
