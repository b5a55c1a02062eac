// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.spark;

import dev.espalier.Network;
import dev.espalier.OnnxExportOptions;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.bench.Networks;
import dev.espalier.bench.PublishedModels;
import dev.espalier.bench.Work;
import dev.espalier.spark.EspalierModel;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Random;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** MobileNetV2's pooled features of pictures of 224 x 224, which are arrays of floats already. */
final class PictureWork implements SparkWork {
  private static final int COUNT = 512;

  private final String layer;
  private final Path onnx;
  private final EspalierModel model;
  private final Predictor predictor;
  private final float[][] inputs;

  PictureWork(Path folder) {
    onnx = folder.resolve("mobilenetv2.onnx");
    try (Network network = Networks.build("I5m")) {
      layer = PublishedModels.lastOf(network);
      network.exportOnnx(onnx, OnnxExportOptions.defaults().layers(layer));
      model =
          EspalierModel.of(network)
              .setInputCols("pixels")
              .setDropInputCols(true)
              .featuresAt(layer)
              .setFeaturesCol(FEATURES)
              .setBatchSize(BATCH);
      predictor =
          network.predictor(
              PredictorOptions.defaults().threads(1).layers(layer).maxBatchSize(BATCH));
      inputs = new float[COUNT][network.inputShape().size()];
    }
    for (int i = 0; i < COUNT; i++) {
      inputs[i] = pixels(i, inputs[i].length);
    }
  }

  @Override
  public String name() {
    return "Spark-mobilenetv2";
  }

  @Override
  public int count() {
    return COUNT;
  }

  /** Made on the executors: so many numbers are too much to send with a task. */
  @Override
  public Dataset<Row> rows(SparkSession session) {
    StructType schema =
        new StructType()
            .add("id", DataTypes.LongType, false)
            .add("pixels", DataTypes.createArrayType(DataTypes.FloatType, false), false);
    int size = inputs[0].length;
    MapFunction<Long, Row> row = id -> RowFactory.create(id, pixels(id, size));
    return session.range(COUNT).map(row, Encoders.row(schema));
  }

  private static float[] pixels(long id, int size) {
    Random random = new Random(id);
    float[] pixels = new float[size];
    for (int i = 0; i < size; i++) {
      pixels[i] = random.nextFloat() - 0.5f;
    }
    return pixels;
  }

  @Override
  public Dataset<Row> espalier(Dataset<Row> rows) {
    return model.transform(rows);
  }

  @Override
  public Dataset<float[]> onnxRuntime(Dataset<Row> rows) {
    var floats = rows.sparkSession().implicits().newFloatArrayEncoder();
    return rows.select("pixels")
        .as(floats)
        .mapPartitions(new OnnxPictures(onnx.toString(), inputs[0].length), floats);
  }

  @Override
  public void withoutSpark(int first, int end) {
    int inputSize = predictor.inputSize();
    int outputSize = predictor.outputSize();
    FloatBuffer batch = Work.directBuffer(BATCH * inputSize);
    FloatBuffer answers = Work.directBuffer(BATCH * outputSize);
    float[] features = new float[BATCH * outputSize];
    for (int start = first; start < end; start += BATCH) {
      int rows = Math.min(BATCH, end - start);
      for (int i = 0; i < rows; i++) {
        batch.put(i * inputSize, inputs[start + i]);
      }
      predictor.predict(batch.slice(0, rows * inputSize), answers.slice(0, rows * outputSize));
      answers.get(0, features, 0, rows * outputSize);
    }
  }

  @Override
  public void close() {
    predictor.close();
  }
}
