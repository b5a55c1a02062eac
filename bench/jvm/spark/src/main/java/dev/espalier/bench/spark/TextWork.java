// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.spark;

import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.bench.PublishedModels;
import dev.espalier.bench.Work;
import dev.espalier.spark.EspalierModel;
import dev.espalier.text.TextInputs;
import dev.espalier.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** From texts to the means of what MiniLM makes of their tokens. */
final class TextWork implements SparkWork {
  private static final int REPEATS = 4;

  private final Work files;
  private final List<String> texts;
  private final EspalierModel model;
  private final Predictor predictor;
  private final TextInputs inputs;

  TextWork(Path folder) throws IOException {
    files = PublishedModels.write(folder, folder, "M-minilm-texts", 1);
    texts = new ArrayList<>();
    for (int i = 0; i < REPEATS; i++) {
      texts.addAll(Files.readAllLines(files.texts()));
    }
    try (Network network = PublishedModels.sentences(files)) {
      inputs = TextInputs.of(Tokenizer.load(files.tokenizer()), network.inputs());
      inputs.storeIn(network, Files.readAllBytes(files.tokenizer()));
      model =
          EspalierModel.of(network)
              .setInputCols("text")
              .setDropInputCols(true)
              .featuresAt(PublishedModels.SENTENCES)
              .setFeaturesCol(FEATURES)
              .setBatchSize(BATCH);
      predictor =
          network.predictor(
              PredictorOptions.defaults()
                  .threads(1)
                  .layers(PublishedModels.SENTENCES)
                  .maxBatchSize(BATCH));
    }
  }

  @Override
  public String name() {
    return "Spark-minilm";
  }

  @Override
  public int count() {
    return texts.size();
  }

  @Override
  public Dataset<Row> rows(SparkSession session) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < texts.size(); i++) {
      rows.add(RowFactory.create(i, texts.get(i)));
    }
    StructType schema =
        new StructType()
            .add("id", DataTypes.IntegerType, false)
            .add("text", DataTypes.StringType, false);
    return Sessions.frame(session, rows, schema);
  }

  @Override
  public Dataset<Row> espalier(Dataset<Row> rows) {
    return model.transform(rows);
  }

  @Override
  public Dataset<float[]> onnxRuntime(Dataset<Row> rows) {
    return rows.select("text")
        .as(Encoders.STRING())
        .mapPartitions(
            new OnnxTexts(files.onnx().toString(), files.tokenizer().toString()),
            rows.sparkSession().implicits().newFloatArrayEncoder());
  }

  @Override
  public void withoutSpark(int first, int end) {
    for (int start = first; start < end; start += BATCH) {
      List<String> batch = texts.subList(start, Math.min(start + BATCH, end));
      predictor.predict(inputs.rows(batch.toArray(String[]::new)));
    }
  }

  @Override
  public void close() {
    predictor.close();
  }
}
