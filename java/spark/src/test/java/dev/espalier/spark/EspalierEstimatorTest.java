// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Head;
import dev.espalier.Metric;
import dev.espalier.Network;
import dev.espalier.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.ml.feature.VectorAssembler;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.tuning.CrossValidator;
import org.apache.spark.ml.tuning.CrossValidatorModel;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Heads for a trained network, from rows whose answers are not all known. */
class EspalierEstimatorTest {
  private static SparkSession session;
  private static Network backbone;
  @TempDir Path folder;

  @BeforeAll
  static void start() {
    session = Sessions.local();
    backbone =
        Network.builder(Shape.vector(2))
            .dense("features", 16)
            .relu("last")
            .head("old", Head.labels("old"))
            .build(1);
  }

  @AfterAll
  static void close() {
    backbone.close();
  }

  private static Dataset<Row> rows(int partitions) {
    return Sessions.points(session, partitions);
  }

  private static EspalierEstimator estimator() {
    return EspalierEstimator.of(backbone).setInputCols("a", "b").setLabelCols("above", "far");
  }

  @Test
  void labelsClassesAndValuesAreLearntTogetherToTheSameBits() {
    EspalierEstimator estimator =
        estimator().setClassCols("side").setValueCols("difference").setTuneThresholds(true);
    EspalierModel model = estimator.fit(rows(1));
    assertTrue(model.report().contains("head alone at 0.01"), model.report());
    assertEquals(estimator.uid(), model.uid());
    assertEquals(estimator, model.parent());
    Dataset<Row> answers = model.transform(rows(2));
    assertEquals(
        List.of(estimator.transformSchema(rows(1).schema()).fieldNames()),
        List.of(answers.columns()));
    assertTrue(new EspalierEvaluator().setMetric(Metric.MACRO_AUC).evaluate(answers) > 0.95);
    EspalierEvaluator sides = new EspalierEvaluator().setTask("side").setMetric(Metric.ACCURACY);
    assertTrue(sides.evaluate(answers) > 0.8);
    EspalierEvaluator values = new EspalierEvaluator().setTask("values").setMetric(Metric.R2);
    assertTrue(values.evaluate(answers) > 0.8);
    // In other partitions, in another order.
    EspalierModel again = estimator.fit(rows(3).orderBy("b"));
    try (Network first = Network.load(model.modelBytes());
        Network second = Network.load(again.modelBytes())) {
      assertEquals(List.of("labels", "side", "values"), names(first));
      first
          .parameters()
          .forEach(
              parameter ->
                  assertArrayEquals(
                      first.parameter(parameter.path()), second.parameter(parameter.path())));
      assertArrayEquals(backbone.parameter("features.weight"), first.parameter("features.weight"));
      assertEquals(first.tasks(), second.tasks());
    }
  }

  private static List<String> names(Network network) {
    return network.tasks().stream().map(task -> task.name()).toList();
  }

  @Test
  void crossValidationChoosesAmongSettings() {
    EspalierEstimator estimator = estimator().setHeadSteps(60);
    ParamMap[] grid = {
      new ParamMap().put(estimator.learningRates(), new double[] {1e-6}),
      new ParamMap().put(estimator.learningRates(), new double[] {1e-2})
    };
    CrossValidatorModel model =
        new CrossValidator()
            .setEstimator(estimator)
            .setEstimatorParamMaps(grid)
            .setEvaluator(new EspalierEvaluator())
            .setNumFolds(2)
            .setSeed(1)
            .fit(rows(1));
    assertTrue(model.avgMetrics()[1] > model.avgMetrics()[0], Arrays.toString(model.avgMetrics()));
    assertTrue(((EspalierModel) model.bestModel()).report().contains("0.01"));
  }

  @Test
  void pipelinesOfEstimatorsAreSavedAndLoaded() throws IOException {
    VectorAssembler assembler =
        new VectorAssembler().setInputCols(new String[] {"a", "b"}).setOutputCol("x");
    Path file = folder.resolve("backbone.safetensors");
    backbone.save(file);
    EspalierEstimator estimator =
        new EspalierEstimator()
            .transferFrom(file.toUri().toString())
            .freezeThrough("features")
            .setInputCols("x")
            .setLabelCols("above")
            .setLabelsTask("where")
            .setOutputPrefix("my_")
            .setHeadSteps(20);
    Pipeline pipeline = new Pipeline().setStages(new PipelineStage[] {assembler, estimator});
    String path = folder.resolve("pipeline").toUri().toString();
    pipeline.save(path);
    PipelineModel model = Pipeline.load(path).fit(rows(1));
    PipelineModel other = pipeline.fit(rows(2));
    String modelPath = folder.resolve("model").toUri().toString();
    model.save(modelPath);
    List<Row> answers = other.transform(rows(1)).select("id", "my_where_labels").collectAsList();
    assertEquals(
        answers,
        PipelineModel.load(modelPath)
            .transform(rows(1))
            .select("id", "my_where_labels")
            .collectAsList());
  }

  @Test
  void aColumnSaysWhichRowsChoose() {
    EspalierEstimator estimator =
        estimator().setValidationCol("chooses").setLearningRates(0.01).setHeadSteps(10);
    Dataset<Row> rows = rows(1).selectExpr("*", "id >= 200 as chooses");
    EspalierModel one = estimator.fit(rows);
    EspalierModel two = estimator.setSeed(0).fit(rows.where("id < 280 or above is not null"));
    assertTrue(one.report().contains("validation"), one.report());
    assertEquals(one.networkTasks(), two.networkTasks());
    refused(estimator, rows.selectExpr("a", "b", "above", "far", "true as chooses"), "and 300");
  }

  @Test
  void whatIsNoAnswerIsRefusedByName() {
    refused(
        estimator(),
        rows(1).selectExpr("a", "b", "2 as above", "far"),
        "column \"above\": expected 0 to 1, or null or NaN where nobody said, got 2.0");
    refused(
        estimator(),
        rows(1).selectExpr("a", "b", "'yes' as above", "far"),
        "column \"above\": expected a number or boolean, got string");
    refused(estimator(), rows(1).drop("far"), "column \"far\": expected one of [id, a");
    refused(estimator(), rows(1).limit(1), "some to validate by, got 1 and 0");
    refused(estimator().freezeThrough("no"), rows(1), "frozenThrough: expected one of [features");
    refused(
        estimator().setClassCols("side"),
        rows(1).where("side = 'left'"),
        "column \"side\": expected at least two classes, got [left]");
    refused(EspalierEstimator.of(backbone).setInputCols("a", "b"), rows(1), "labelCols");
    refused(new EspalierEstimator().setLabelCols("above"), rows(1), "backboneFile");
    assertThrows(
        Exception.class, // a row of null among them
        () -> estimator().fit(rows(1).selectExpr("if(id = 7, null, a) as a", "b", "above", "far")));
    assertTrue(
        estimator()
            .setHandleInvalid("keep")
            .setHeadSteps(1)
            .fit(rows(1).selectExpr("if(id = 7, null, a) as a", "b", "above", "far"))
            .transform(rows(1).selectExpr("if(id = 7, null, a) as a", "b"))
            .collectAsList()
            .get(7)
            .isNullAt(2));
  }

  private static void refused(EspalierEstimator estimator, Dataset<Row> rows, String message) {
    RuntimeException error = assertThrows(RuntimeException.class, () -> estimator.fit(rows));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }
}
