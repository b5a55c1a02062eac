// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Head;
import dev.espalier.ModelFileException;
import dev.espalier.Network;
import dev.espalier.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;
import org.apache.spark.ml.Estimator;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.ml.Transformer;
import org.apache.spark.ml.feature.VectorAssembler;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stages are saved, loaded, copied and found. */
class PersistenceTest {
  private static SparkSession session;
  private static Network network;
  @TempDir Path folder;

  @BeforeAll
  static void start() {
    session = Sessions.local();
    network =
        Network.builder(Shape.vector(2))
            .dense("features", 4)
            .relu()
            .head("use", Head.labels("shoe", "top"))
            .build(3);
    network.setThresholds("use", 0.4, 0.6);
  }

  @AfterAll
  static void close() {
    network.close();
  }

  private static Dataset<Row> rows() {
    return session
        .range(0, 20, 1, 2)
        .selectExpr("id", "cast(id % 17 as double) as a", "cast(id % 5 as double) as b");
  }

  private static String settings(EspalierModel model) {
    return model.explainParams().replaceAll("String;@\\w+", "");
  }

  @Test
  void aModelComesBackWithItsSettings() throws IOException {
    String path = folder.resolve("stage").toUri().toString();
    EspalierModel model =
        EspalierModel.of(network)
            .setInputCols("a", "b")
            .setHandleInvalid("keep")
            .setProblemCol("problem")
            .setBatchSize(3);
    model.save(path);
    assertTrue(Files.size(folder.resolve("stage/model.safetensors")) > 0);
    EspalierModel loaded = EspalierModel.load(path);
    assertEquals(model.uid(), loaded.uid());
    assertEquals(settings(model), settings(loaded));
    assertArrayEquals(model.modelBytes(), loaded.modelBytes());
    assertEquals(model.transform(rows()).collectAsList(), loaded.transform(rows()).collectAsList());
    assertThrows(IOException.class, () -> model.save(path)); // there already
    model.write().overwrite().save(path);
  }

  @Test
  void pipelinesAreSavedAndLoaded() throws IOException {
    String path = folder.resolve("pipeline").toUri().toString();
    VectorAssembler assembler =
        new VectorAssembler().setInputCols(new String[] {"a", "b"}).setOutputCol("x");
    EspalierModel model = EspalierModel.of(network).setInputCols("x");
    PipelineModel pipeline =
        new Pipeline().setStages(new PipelineStage[] {assembler, model}).fit(rows());
    pipeline.save(path);
    assertEquals(
        EspalierModel.of(network).setInputCols("a", "b").transform(rows()).collectAsList(),
        PipelineModel.load(path).transform(rows()).drop("x").collectAsList());
  }

  @Test
  void copiesHaveTheirOwnSettings() {
    EspalierModel model = EspalierModel.of(network).setInputCols("a", "b");
    EspalierModel copy = model.copy(new ParamMap().put(model.outputPrefix(), "copy_"));
    assertEquals(model.uid(), copy.uid());
    assertEquals(
        List.of("id", "a", "b", "copy_use_probability", "copy_use_labels"),
        List.of(copy.transform(rows()).columns()));
    assertEquals("use_labels", model.transform(rows()).columns()[4]);
    assertArrayEquals(
        "copy_use_labels".split(" "),
        List.of(
                model
                    .transform(rows(), new ParamMap().put(model.outputPrefix(), "copy_"))
                    .columns())
            .subList(4, 5)
            .toArray());
  }

  @Test
  void aStageOfAFileReadsItWhenItIsNeeded() throws IOException {
    Path file = folder.resolve("model.safetensors");
    network.save(file);
    EspalierModel byName = new EspalierModel().setModelFile(file.toUri().toString());
    byName.setInputCols("a", "b");
    EspalierModel ofFile = EspalierModel.ofFile(file).setInputCols("a", "b");
    assertEquals(
        ofFile.transform(rows()).collectAsList(), byName.transform(rows()).collectAsList());
    String path = folder.resolve("stage").toUri().toString();
    byName.save(path);
    Files.delete(file);
    assertEquals(
        ofFile.transform(rows()).collectAsList(),
        EspalierModel.load(path).transform(rows()).collectAsList());
  }

  @Test
  void filesThatAreNoModelsAreRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("model.safetensors"), "no model");
    assertThrows(ModelFileException.class, () -> EspalierModel.ofFile(file));
    String missing = folder.resolve("missing").toUri().toString();
    assertThrows(UncheckedIOException.class, () -> EspalierModel.ofFile(folder.resolve("missing")));
    EspalierModel stage = new EspalierModel().setInputCols("a", "b");
    assertThrows(IllegalStateException.class, () -> stage.transform(rows()));
    stage.setModelFile(missing);
    assertThrows(UncheckedIOException.class, () -> stage.transform(rows()));
    String path = folder.resolve("stage").toUri().toString();
    EspalierModel.of(network).save(path);
    Files.writeString(folder.resolve("stage/model.safetensors"), "no model");
    Files.deleteIfExists(folder.resolve("stage/.model.safetensors.crc"));
    assertThrows(ModelFileException.class, () -> EspalierModel.load(path));
  }

  /** As Spark Connect looks for stages. */
  @Test
  void stagesAreServices() {
    assertEquals(List.of(EspalierModel.class), services(Transformer.class));
    assertEquals(List.of(EspalierEstimator.class), services(Estimator.class));
  }

  private static List<?> services(Class<?> service) {
    return ServiceLoader.load(service).stream()
        .map(ServiceLoader.Provider::type)
        .filter(type -> type.getName().startsWith("dev.espalier."))
        .toList();
  }
}
