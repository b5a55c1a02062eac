// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import static org.apache.spark.ml.functions.vector_to_array;
import static org.apache.spark.sql.functions.col;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Columns in and out of {@link EspalierModel}, to the bit of what a predictor answers. */
class EspalierModelTest {
  private static final int ROWS = 150;
  private static SparkSession session;
  private static Network network;
  private static float[][] inputs;

  @BeforeAll
  static void start() {
    session = Sessions.local();
    network =
        Network.builder(Shape.vector(3))
            .dense("features", 5)
            .relu()
            .head("use", Head.labels("shoe", "top"))
            .head("kind", Head.classes("low", "middle", "high"))
            .head("price", Head.values("euro"))
            .build(3);
    network.setThresholds("use", 0.45, 0.55);
    SplittableRandom random = new SplittableRandom(1);
    inputs = new float[ROWS][3];
    for (float[] input : inputs) {
      for (int i = 0; i < 3; i++) {
        input[i] = (float) random.nextDouble(-2, 2);
      }
    }
  }

  private static StructType schema(DataType type) {
    return new StructType().add("id", DataTypes.IntegerType, false).add("x", type);
  }

  private static Dataset<Row> rows(DataType type, Function<float[], Object> of) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) {
      rows.add(RowFactory.create(i, of.apply(inputs[i])));
    }
    return session.createDataFrame(rows, schema(type));
  }

  private static double[] doubles(float[] input) {
    return new double[] {input[0], input[1], input[2]};
  }

  private static void check(Dataset<Row> answers) {
    List<Row> rows = answers.collectAsList();
    assertEquals(ROWS, rows.size());
    try (Predictor predictor = network.predictor()) {
      for (int i = 0; i < ROWS; i++) {
        var expected = predictor.predictNamed(inputs[i]);
        Row row = rows.get(i);
        assertArrayEquals(
            doublesOf(expected.values("use")), values(row, "use_probability"), "row " + i);
        assertEquals(expected.labels("use"), row.getList(row.fieldIndex("use_labels")));
        assertArrayEquals(doublesOf(expected.values("kind")), values(row, "kind_probability"));
        assertEquals(expected.best("kind"), row.getAs("kind_class"));
        assertArrayEquals(doublesOf(expected.values("price")), values(row, "price_value"));
      }
    }
  }

  private static double[] values(Row row, String column) {
    return row.<Vector>getAs(column).toArray();
  }

  private static double[] doublesOf(float[] values) {
    double[] doubles = new double[values.length];
    Arrays.setAll(doubles, i -> values[i]);
    return doubles;
  }

  @Test
  void vectorsDenseAndSparse() {
    EspalierModel model = EspalierModel.of(network).setInputCols("x").setBatchSize(7);
    check(model.transform(rows(SQLDataTypes.VectorType(), x -> Vectors.dense(doubles(x)))));
    Dataset<Row> sparse =
        rows(SQLDataTypes.VectorType(), x -> Vectors.sparse(3, new int[] {0, 1, 2}, doubles(x)));
    check(model.transform(sparse));
  }

  @Test
  void arraysOfFloatsAndDoublesWithAndWithoutNulls() {
    EspalierModel model = EspalierModel.of(network).setInputCols("x");
    for (boolean mayHoldNulls : new boolean[] {true, false}) {
      Dataset<Row> floats =
          rows(
              DataTypes.createArrayType(DataTypes.FloatType, mayHoldNulls),
              x -> List.of(x[0], x[1], x[2]));
      check(model.transform(floats));
      assertEquals(
          floats.collectAsList().toString(),
          model.transform(floats).select("id", "x").collectAsList().toString());
      check(
          model.transform(
              rows(
                  DataTypes.createArrayType(DataTypes.DoubleType, mayHoldNulls),
                  x -> List.of((double) x[0], (double) x[1], (double) x[2]))));
    }
  }

  @Test
  void numbersByName() {
    Dataset<Row> rows =
        rows(SQLDataTypes.VectorType(), x -> Vectors.dense(doubles(x)))
            .withColumn("x", vector_to_array(col("x"), "float64"))
            .selectExpr("x[2] as c", "id", "x[0] as a", "cast(x[1] as float) as b");
    check(EspalierModel.of(network).setInputCols("a", "b", "c").transform(rows));
  }

  @Test
  void featuresOfALayer() {
    EspalierModel model =
        EspalierModel.of(network).setInputCols("x").featuresAt("features").setFeaturesCol("f");
    Dataset<Row> rows = rows(SQLDataTypes.VectorType(), x -> Vectors.dense(doubles(x)));
    Dataset<Row> features = model.transform(rows);
    assertEquals(List.of("id", "x", "f"), List.of(features.columns()));
    List<Row> found = features.collectAsList();
    try (Predictor predictor = network.predictor(PredictorOptions.defaults().layers("features"))) {
      for (int i = 0; i < ROWS; i++) {
        assertArrayEquals(doublesOf(predictor.predict(inputs[i])), values(found.get(i), "f"));
      }
    }
    model.setTasks("use").setOutputPrefix("my_");
    assertEquals(
        List.of("id", "x", "my_use_probability", "my_use_labels", "f"),
        List.of(model.transform(rows).columns()));
    assertEquals(model.transform(rows).schema(), model.transformSchema(rows.schema()));
  }

  @Test
  void inputsAreLeftOutOnRequest() {
    EspalierModel model = EspalierModel.of(network).setInputCols("x").setDropInputCols(true);
    for (DataType type :
        List.of(
            SQLDataTypes.VectorType(),
            DataTypes.createArrayType(DataTypes.FloatType, false),
            DataTypes.createArrayType(DataTypes.FloatType, true))) {
      Dataset<Row> rows =
          rows(
              type,
              x ->
                  type instanceof ArrayType
                      ? List.of(x[0], x[1], x[2])
                      : Vectors.dense(doubles(x)));
      Dataset<Row> answers = model.transform(rows);
      check(answers);
      assertEquals(rows.select("id").collectAsList(), answers.select("id").collectAsList());
      assertFalse(List.of(answers.columns()).contains("x"));
      assertEquals(answers.schema(), model.transformSchema(rows.schema()));
      check(model.transform(rows.select("x")));
    }
  }

  private static Dataset<Row> problems() {
    List<Row> rows =
        List.of(
            RowFactory.create(0, List.of(1f, 2f, 3f)),
            RowFactory.create(1, null),
            RowFactory.create(2, Arrays.asList(1f, null, 3f)),
            RowFactory.create(3, List.of(1f, 2f)),
            RowFactory.create(4, Arrays.asList(1f, Float.NaN, null)),
            RowFactory.create(5, List.of(1f, 2f, Float.POSITIVE_INFINITY)),
            RowFactory.create(6, List.of(3f, 2f, 1f)));
    return session
        .createDataFrame(rows, schema(DataTypes.createArrayType(DataTypes.FloatType, true)))
        .coalesce(1);
  }

  @Test
  void aRowWithoutAnAnswerEndsTheJobByName() {
    EspalierModel model = EspalierModel.of(network).setInputCols("x");
    Exception error =
        assertThrows(Exception.class, () -> model.transform(problems()).collectAsList());
    String message = Sessions.messages(error);
    assertTrue(
        message.contains("row 1 of partition 0, from 0: column \"x\": expected an array, got null"),
        message);
  }

  @Test
  void rowsWithoutAnAnswerAreKeptOrLeftOut() {
    EspalierModel model =
        EspalierModel.of(network)
            .setInputCols("x")
            .setHandleInvalid("keep")
            .setProblemCol("problem");
    List<Row> rows = model.transform(problems()).collectAsList();
    assertEquals(7, rows.size());
    String got = "column \"x\": expected finite numbers, got ";
    List<String> expected =
        Arrays.asList(
            null,
            "column \"x\": expected an array, got null",
            got + "null at 1",
            "column \"x\": expected 3 values, as the model reads, got 2",
            got + "null at 2",
            got + "Infinity at 2",
            null);
    for (int i = 0; i < 7; i++) {
      assertEquals(expected.get(i), rows.get(i).getAs("problem"));
      assertEquals(expected.get(i) == null, rows.get(i).getAs("use_labels") != null);
    }
    assertEquals(Arrays.asList(1f, null, 3f), rows.get(2).getList(1));
    assertEquals(Arrays.asList(1f, Float.NaN, null), rows.get(4).getList(1));
    assertNull(rows.get(1).get(1));
    model.setHandleInvalid("skip");
    assertEquals(
        List.of(0, 6),
        model.transform(problems()).collectAsList().stream().map(row -> row.getInt(0)).toList());
  }
}
