// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoder;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.Tuple4;

/**
 * Sends rows through tasks that predict, an array that is the input there and back beside its row.
 */
final class PredictedColumns {
  private PredictedColumns() {}

  /** Returns the rows with the plan's columns. */
  static Dataset<Row> add(Dataset<?> rows, PredictionPlan plan, ModelContent model) {
    PassedRows passed = PassedRows.of(rows, plan.inputs());
    int[] kept = IntStream.range(0, rows.schema().length()).filter(plan::keeps).toArray();
    Encoder<float[]> floats = rows.sparkSession().implicits().newFloatArrayEncoder();
    Encoder<double[]> doubles = rows.sparkSession().implicits().newDoubleArrayEncoder();
    Dataset<Tuple4<Row, float[], double[], Row>> predicted =
        passed
            .rows()
            .mapPartitions(
                new PredictRows(
                    plan,
                    kept,
                    model.broadcast(rows.sparkSession()),
                    model.inputSize(),
                    plan.outputSize()),
                Encoders.tuple(
                    Encoders.row(returned(passed.schema(), plan, kept)),
                    floats,
                    doubles,
                    Encoders.row(plan.schema())));
    return predicted.select(columns(rows.schema().fields(), kept, passed.aside(), plan));
  }

  /**
   * Returns the schema of the rows that come back: all that went, or what is not of the input.
   * Spark 3.5 has no tuples with rows of no column, so there is one of nulls then.
   */
  private static StructType returned(StructType passed, PredictionPlan plan, int[] kept) {
    if (!plan.dropsInputs()) {
      return passed;
    }
    return kept.length == 0
        ? new StructType().add("nothing", DataTypes.BooleanType)
        : new StructType(
            IntStream.of(kept).mapToObj(i -> passed.fields()[i]).toArray(StructField[]::new));
  }

  private static Column[] columns(
      StructField[] fields, int[] kept, int aside, PredictionPlan plan) {
    List<Column> columns = new ArrayList<>();
    for (int i : kept) {
      Column column = col("_1.c" + i);
      if (i == aside) {
        column = col(plan.inputs().kind() == InputKind.FLOATS ? "_2" : "_3");
        if (plan.inputs().nullsAt() >= 0) {
          column = coalesce(col("_1.nulls"), column);
        }
      }
      columns.add(column.as(fields[i].name(), fields[i].metadata()));
    }
    String[] added = plan.schema().fieldNames();
    List<String> names = plan.columnNames();
    for (int i = 0; i < added.length; i++) {
      Column column = col("_4." + added[i]);
      boolean isOutput = i < plan.outputs().size();
      columns.add(
          isOutput
              ? column.as(names.get(i), plan.outputs().get(i).metadata())
              : column.as(names.get(i)));
    }
    return columns.toArray(Column[]::new);
  }
}
