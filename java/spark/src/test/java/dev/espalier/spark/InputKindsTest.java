// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Head;
import dev.espalier.Input;
import dev.espalier.LayerOptions;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import dev.espalier.data.PictureReader;
import dev.espalier.data.RowPredictor;
import dev.espalier.data.Table;
import dev.espalier.data.TableInputs;
import dev.espalier.text.TextInputs;
import dev.espalier.text.Tokenizer;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pictures, texts and tables, as the model itself says that it reads them; and refused columns. */
class InputKindsTest {
  private static SparkSession session;
  @TempDir Path folder;

  @BeforeAll
  static void start() {
    session = Sessions.local();
  }

  private static Dataset<Row> column(DataType type, Object... values) {
    return session.createDataFrame(
        Arrays.stream(values).map(RowFactory::create).toList(), new StructType().add("x", type));
  }

  private static double[] answer(Row row) {
    return row.<Vector>getAs("use_probability").toArray();
  }

  private static double[] doubles(float[] values) {
    double[] doubles = new double[values.length];
    Arrays.setAll(doubles, i -> values[i]);
    return doubles;
  }

  @Test
  void pictures() throws IOException {
    try (Network network =
        Network.builder(Shape.image(3, 8, 8))
            .conv2d("conv", 4, 3)
            .head("use", Head.labels("shoe", "top"))
            .build(1)) {
      byte[] picture = picture(20, 10);
      EspalierModel unread = EspalierModel.of(network).setInputCols("x");
      Dataset<Row> rows = column(DataTypes.BinaryType, picture, new byte[] {1, 2}, null);
      assertTrue(
          assertThrows(IllegalArgumentException.class, () -> unread.transform(rows))
              .getMessage()
              .contains("PictureReader.storeIn"));
      PictureReader reader = PictureReader.of(network.inputShape()).valueRange(-1, 1);
      reader.storeIn(network);
      List<Row> answers =
          EspalierModel.of(network)
              .setInputCols("x")
              .setHandleInvalid("keep")
              .setProblemCol("problem")
              .transform(rows)
              .collectAsList();
      try (Predictor predictor = network.predictor()) {
        assertArrayEquals(doubles(predictor.predict(reader.read(picture))), answer(answers.get(0)));
      }
      assertEquals("column \"x\": expected a picture, got null", answers.get(2).getAs("problem"));
      assertTrue(answers.get(1).<String>getAs("problem").startsWith("column \"x\": "));
    }
  }

  private static byte[] picture(int width, int height) throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < width * height; i++) {
      image.setRGB(i % width, i / width, i * 65_537);
    }
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    ImageIO.write(image, "png", stream);
    return stream.toByteArray();
  }

  @Test
  void texts() throws IOException {
    String json =
        """
        {"version": "1.0",
         "pre_tokenizer": {"type": "Whitespace"},
         "model": {"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##",
           "max_input_chars_per_word": 100, "vocab": {"?": 0, "a": 1, "tree": 2, "apple": 3}}}
        """;
    Path file = Files.writeString(folder.resolve("tokenizer.json"), json);
    try (Network network =
        Network.builder(Input.integers("ids", Shape.vector(6)))
            .embedding("words", 4, 5, LayerOptions.defaults())
            .dense("features", 3)
            .head("use", Head.labels("shoe", "top"))
            .build(1)) {
      TextInputs inputs = TextInputs.of(Tokenizer.load(file), network.inputs());
      inputs.storeIn(network, json.getBytes(StandardCharsets.UTF_8));
      EspalierModel model = EspalierModel.of(network).setInputCols("x").setHandleInvalid("keep");
      List<Row> answers =
          model.transform(column(DataTypes.StringType, "an apple tree", null)).collectAsList();
      try (Predictor predictor = network.predictor()) {
        assertArrayEquals(
            doubles(predictor.predict(inputs.rows("an apple tree"))), answer(answers.get(0)));
      }
      assertTrue(answers.get(1).isNullAt(1));
    }
  }

  @Test
  void tables() throws IOException {
    Path file = Files.writeString(folder.resolve("rows.csv"), "age,sex\n20,f\n30,m\n,f\n60,m\n");
    TableInputs inputs = TableInputs.fit(Table.csv(file));
    try (Network network =
        Network.builder(inputs.shape()).head("use", Head.labels("shoe", "top")).build(1)) {
      inputs.storeIn(network);
      Path model = folder.resolve("model.safetensors");
      network.save(model);
      List<Row> rows =
          List.of(
              RowFactory.create("f", "20"),
              RowFactory.create("m", null),
              RowFactory.create(null, "old"));
      StructType schema =
          new StructType().add("sex", DataTypes.StringType).add("age", DataTypes.StringType);
      List<Row> answers =
          EspalierModel.ofFile(model)
              .setInputCols("age", "sex")
              .setHandleInvalid("keep")
              .setProblemCol("problem")
              .transform(session.createDataFrame(rows, schema))
              .collectAsList();
      try (RowPredictor predictor = RowPredictor.load(model)) {
        for (int i = 0; i < 2; i++) {
          Map<String, Object> cells = new HashMap<>();
          cells.put("sex", rows.get(i).get(0));
          cells.put("age", rows.get(i).get(1));
          assertArrayEquals(
              doubles(predictor.predictRow(cells).values("use")), answer(answers.get(i)));
        }
      }
      assertTrue(answers.get(2).<String>getAs("problem").contains("age"), answers::toString);
    }
  }

  @Test
  void columnsThatCannotBeReadAreRefusedByName() {
    try (Network network =
        Network.builder(Shape.vector(2)).head("use", Head.labels("shoe", "top")).build(1)) {
      EspalierModel model = EspalierModel.of(network).setInputCols("a", "b");
      Dataset<Row> rows =
          session.sql(
              "select 1 as a, 'x' as b, 2 as c, timestamp'2020-01-01' as d, 0 as use_LABELS");
      refused(model, rows, "column \"b\": expected a number or boolean, got string");
      refused(model.setInputCols("a", "z"), rows, "column \"z\": expected one of [a, b, c");
      refused(model.setInputCols("a"), rows, "expected 2 columns of numbers");
      refused(model.setInputCols("d"), rows, "got timestamp");
      refused(model.setInputCols("b"), rows, "TextInputs.storeIn");
      refused(model.setInputCols("a", "c"), rows, "column \"use_labels\"");
      refused(model.setTasks("uses"), rows, "expected some of [use], got \"uses\"");
      refused(model.setTasks().featuresAt("no"), rows, "got \"no\"");
      refused(
          new EspalierModel("uid").copy(new org.apache.spark.ml.param.ParamMap()),
          rows,
          "modelFile");
      assertThrows(IllegalArgumentException.class, () -> model.setHandleInvalid("drop"));
      assertThrows(IllegalArgumentException.class, () -> model.setBatchSize(0));
    }
  }

  private static void refused(EspalierModel model, Dataset<Row> rows, String message) {
    RuntimeException error =
        assertThrows(RuntimeException.class, () -> model.transform(rows).collectAsList());
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }
}
