// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.Network;
import dev.espalier.Shape;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.param.StringArrayParam;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.ml.util.MLWritable;
import org.apache.spark.ml.util.MLWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * Gives a trained network new heads, as an estimator of Spark ML: what is below them stays as it is
 * and runs on the executors, once for each row; the heads are trained on the driver, on what came
 * back. Or all is trained, on the executors ({@link #trainAll}).
 *
 * <pre>{@code
 * EspalierModel model = new EspalierEstimator()
 *     .transferFrom("hdfs:///models/backbone.safetensors")
 *     .setInputCols("picture")
 *     .setLabelCols("shoe", "top")            // null or NaN where nobody said
 *     .fit(rows);
 * }</pre>
 *
 * <p><b>Answers.</b> {@link #setLabelCols}: columns of yes/no questions, 0, 1 or boolean, all of
 * them one task; {@link #setClassCols}: columns of one class of several, each a task of the
 * column's name, the classes being the values that there are, in their order; {@link
 * #setValueCols}: columns of numbers, all of them one task. Null and NaN mean that nobody said;
 * such an entry changes nothing.
 *
 * <p><b>Training</b> is that of {@link dev.espalier.Adaptation} with heads alone: a few learning
 * rates, of which the loss on validation rows chooses. Those are the rows that {@link
 * #setValidationCol} says, else a share of all. {@link EspalierModel#report()} has what was tried.
 * The driver needs memory for the features of all rows, 4 bytes a value in the end and about five
 * times that for a while; {@code spark.driver.maxResultSize} limits them.
 *
 * <p><b>The same bits</b> for the same rows, settings and seed, in whatever order and partitions
 * the rows are, for any number of executors whose CPUs have the same instruction set.
 *
 * <p>Rows without features (see {@link EspalierModel#setHandleInvalid}) fail the job, or are left
 * out of training if the policy is another one.
 *
 * @since 0.1
 */
public final class EspalierEstimator extends EstimatorSettings implements MLWritable {
  private static final long serialVersionUID = 1;
  private static final String FEATURES = "espalier_features";
  private static final double USUAL_RATE = 1e-3;

  private transient @Nullable ModelContent backbone;

  /** Makes an estimator that reads its backbone from {@link #transferFrom}. */
  public EspalierEstimator() {
    this(Identifiable.randomUID("espalier"));
  }

  /**
   * Makes an estimator that reads its backbone from {@link #transferFrom}.
   *
   * @param uid what tells it from other stages
   */
  public EspalierEstimator(String uid) {
    super(uid);
  }

  /**
   * Makes an estimator of a backbone as it is now.
   *
   * @param network stays the caller's
   * @return the estimator
   * @throws IllegalStateException if the network is closed or another thread trains it
   */
  public static EspalierEstimator of(Network network) {
    EspalierEstimator estimator = new EspalierEstimator();
    estimator.backbone = ModelContent.of(Objects.requireNonNull(network, "network"));
    return estimator;
  }

  /**
   * Reads an estimator that {@link #save} wrote.
   *
   * @param path a folder of any file system that Spark knows
   * @return the estimator
   */
  public static EspalierEstimator load(String path) {
    return read().load(path);
  }

  /**
   * Returns what reads estimators that {@link #save} wrote; Spark asks for it, too.
   *
   * @return the reader
   */
  public static MLReader<EspalierEstimator> read() {
    return new StageReader<>((estimator, content) -> estimator.backbone = content);
  }

  /**
   * Returns what writes this estimator, with its backbone.
   *
   * @return the writer
   */
  @Override
  public MLWriter write() {
    return new StageWriter(this, this::backbone);
  }

  /**
   * Sets the network whose heads are replaced: read when it is first needed, on the driver.
   *
   * @param file of any file system that Spark knows
   * @return this
   */
  public EspalierEstimator transferFrom(String file) {
    set(backboneFile(), Objects.requireNonNull(file, "file"));
    backbone = null;
    return this;
  }

  /**
   * Sets the columns that an example's input is made of, as {@link EspalierModel#setInputCols}.
   *
   * @param columns one of vectors, arrays, pictures or texts; or some of numbers, or of a table
   * @return this
   */
  public EspalierEstimator setInputCols(String... columns) {
    set(inputCols(), Objects.requireNonNull(columns, "columns").clone());
    return this;
  }

  /**
   * Sets the columns of yes/no questions: each a label of the column's name.
   *
   * @param columns numbers from 0 to 1, or booleans
   * @return this
   */
  public EspalierEstimator setLabelCols(String... columns) {
    set(labelCols(), Objects.requireNonNull(columns, "columns").clone());
    return this;
  }

  /**
   * Names the task of the yes/no questions. Default {@code "labels"}.
   *
   * @param name of the task and its head
   * @return this
   */
  public EspalierEstimator setLabelsTask(String name) {
    set(labelsTask(), Objects.requireNonNull(name, "name"));
    return this;
  }

  /**
   * Sets the columns of one class of several: each a task of the column's name.
   *
   * @param columns texts, numbers or booleans
   * @return this
   */
  public EspalierEstimator setClassCols(String... columns) {
    set(classCols(), Objects.requireNonNull(columns, "columns").clone());
    return this;
  }

  /**
   * Sets the columns of numbers to tell: each a value of the column's name.
   *
   * @param columns numbers
   * @return this
   */
  public EspalierEstimator setValueCols(String... columns) {
    set(valueCols(), Objects.requireNonNull(columns, "columns").clone());
    return this;
  }

  /**
   * Names the task of the numbers to tell. Default {@code "values"}.
   *
   * @param name of the task and its head
   * @return this
   */
  public EspalierEstimator setValuesTask(String name) {
    set(valuesTask(), Objects.requireNonNull(name, "name"));
    return this;
  }

  /**
   * Sets the layer that the heads stand on; it and what it is computed from stay as they are.
   * Default the last one of the backbone.
   *
   * @param layer name of a layer
   * @return this
   */
  public EspalierEstimator freezeThrough(String layer) {
    set(frozenThrough(), Objects.requireNonNull(layer, "layer"));
    return this;
  }

  /**
   * Sets the learning rates to try. Default 0.003 and 0.01.
   *
   * @param rates at least one, above 0
   * @return this
   */
  public EspalierEstimator setLearningRates(double... rates) {
    set(learningRates(), Objects.requireNonNull(rates, "rates").clone());
    return this;
  }

  /**
   * Sets the most steps of each training. Default as {@link dev.espalier.Adaptation#headSteps}:
   * 300, or ten epochs if they are more.
   *
   * @param steps at least 1
   * @return this
   */
  public EspalierEstimator setHeadSteps(long steps) {
    set(headSteps(), steps);
    return this;
  }

  /**
   * Sets the examples a step. Default 32.
   *
   * @param examples 1 to 2^20
   * @return this
   */
  public EspalierEstimator setTrainingBatchSize(int examples) {
    set(trainingBatchSize(), examples);
    return this;
  }

  /**
   * Sets the seed of heads, split and shuffles. Default 0.
   *
   * @param number any number
   * @return this
   */
  public EspalierEstimator setSeed(long number) {
    set(seed(), number);
    return this;
  }

  /**
   * Sets the share of rows that choose. Default 0.2.
   *
   * @param fraction above 0, below 1
   * @return this
   */
  public EspalierEstimator setValidationFraction(double fraction) {
    set(validationFraction(), fraction);
    return this;
  }

  /**
   * Sets the column that says which rows choose, in place of a share of all.
   *
   * @param column of booleans; null means no
   * @return this
   */
  public EspalierEstimator setValidationCol(String column) {
    set(validationCol(), Objects.requireNonNull(column, "column"));
    return this;
  }

  /**
   * Sets whether labels get the thresholds of the best F1 on the rows that choose. Default false:
   * 0.5.
   *
   * @param tunes true for those thresholds
   * @return this
   */
  public EspalierEstimator setTuneThresholds(boolean tunes) {
    set(tuneThresholds(), tunes);
    return this;
  }

  /**
   * Sets what becomes of rows without an answer, as {@link EspalierModel#setHandleInvalid}; those
   * kept are not trained on.
   *
   * @param policy {@code "error"}, {@code "keep"} or {@code "skip"}
   * @return this
   */
  public EspalierEstimator setHandleInvalid(String policy) {
    set(handleInvalid(), Objects.requireNonNull(policy, "policy"));
    return this;
  }

  /**
   * Sets the model's column of what is wrong with a row.
   *
   * @param column a name that there is not
   * @return this
   */
  public EspalierEstimator setProblemCol(String column) {
    set(problemCol(), Objects.requireNonNull(column, "column"));
    return this;
  }

  /**
   * Sets what the names of the model's columns of tasks begin with. Default nothing.
   *
   * @param prefix any text
   * @return this
   */
  public EspalierEstimator setOutputPrefix(String prefix) {
    set(outputPrefix(), Objects.requireNonNull(prefix, "prefix"));
    return this;
  }

  /**
   * Sets how many rows are predicted at once, as {@link EspalierModel#setBatchSize}.
   *
   * @param rows 1 to 65536
   * @return this
   */
  public EspalierEstimator setBatchSize(int rows) {
    set(batchSize(), rows);
    return this;
  }

  /**
   * Trains all layers, not the heads alone: data-parallel, in tasks that run at once (a barrier
   * stage), each with some of the rows. The learning rate is the one of {@link #setLearningRates},
   * 0.001 where none is set, and falls to 0 by a cosine; no rows are kept back to choose by. Layers
   * that {@link #freezeThrough} names stay as they are.
   *
   * @param epochs how often all rows are gone through, at least 1
   * @return this
   */
  public EspalierEstimator trainAll(int epochs) {
    set(epochs(), epochs);
    return this;
  }

  /**
   * Sets how many parts each batch of {@link #trainAll} is cut into. The bits of the result depend
   * on it, and not on how many tasks compute the parts. Default 8.
   *
   * @param count at least 1 and at most the examples of a batch
   * @return this
   */
  public EspalierEstimator setShards(int count) {
    set(shards(), count);
    return this;
  }

  /**
   * Sets how many tasks {@link #trainAll} has, all of which must run at once. Default as many as
   * Spark runs in parallel, and at most one a shard.
   *
   * @param count 1 to the number of shards
   * @return this
   */
  public EspalierEstimator setWorkers(int count) {
    set(workers(), count);
    return this;
  }

  /**
   * Sets how long a task of {@link #trainAll} waits for another one before it fails. Default 600.
   *
   * @param seconds more than any task's part of a step takes
   * @return this
   */
  public EspalierEstimator setWorkerTimeout(int seconds) {
    set(workerTimeout(), seconds);
    return this;
  }

  /**
   * Sets where {@link #trainAll} writes how far it is, so that Spark's next attempt after a task
   * was lost goes on from there, not from the beginning. It is removed once the model is trained.
   *
   * @param folder of any file system that all executors reach
   * @return this
   */
  public EspalierEstimator setCheckpointFolder(String folder) {
    set(checkpointFolder(), Objects.requireNonNull(folder, "folder"));
    return this;
  }

  /**
   * Sets after how many steps that is written. Default 100.
   *
   * @param steps at least 1
   * @return this
   */
  public EspalierEstimator setCheckpointSteps(int steps) {
    set(checkpointSteps(), steps);
    return this;
  }

  /**
   * Trains heads, or all.
   *
   * @throws IllegalArgumentException if a column is missing, has a type that is not read, or an
   *     answer that is none; there is no such layer; or there are no rows to train on, or none to
   *     validate by
   */
  @Override
  public EspalierModel fit(Dataset<?> rows) {
    ModelContent content = backbone();
    transformSchema(rows.schema());
    String layer = layer(content);
    if (isSet(epochs())) {
      return model(trainAll(content, layer, rows));
    }
    Shape shape = content.layer("frozenThrough", layer);
    EspalierModel trunk =
        new EspalierModel(uid(), content)
            .setInputCols($(inputCols()))
            .setHandleInvalid($(handleInvalid()).equals("keep") ? "skip" : $(handleInvalid()))
            .setBatchSize((int) $(batchSize()))
            .featuresAt(layer)
            .setFeaturesCol(FEATURES);
    Dataset<Row> features = trunk.transform(rows);
    String validation = isSet(validationCol()) ? $(validationCol()) : "";
    LabelledRows labelled = LabelledRows.collect(features, FEATURES, targets(), shape, validation);
    HeadTraining training =
        new HeadTraining(
            $(learningRates()),
            isSet(headSteps()) ? OptionalLong.of((long) $(headSteps())) : OptionalLong.empty(),
            (int) $(trainingBatchSize()),
            (long) $(seed()),
            (double) $(validationFraction()),
            (boolean) $(tuneThresholds()));
    return model(training.fit(content, layer, labelled, !validation.isEmpty()));
  }

  private ModelContent trainAll(ModelContent content, String layer, Dataset<?> rows) {
    if (isSet(validationCol()) || (boolean) $(tuneThresholds())) {
      throw new IllegalArgumentException(
          "validationCol, tuneThresholds: expected neither where all is trained");
    }
    double[] rates = isSet(learningRates()) ? $(learningRates()) : new double[] {USUAL_RATE};
    if (rates.length != 1) {
      throw new IllegalArgumentException(
          "learningRates: expected one where all is trained, got " + rates.length);
    }
    int workers = isSet(workers()) ? (int) $(workers()) : 0;
    if (workers > (int) $(shards())) {
      throw new IllegalArgumentException(
          "workers: expected at most one for each of " + $(shards()) + " shards, got " + workers);
    }
    DataParallelFit fit =
        new DataParallelFit(
            layer,
            isSet(frozenThrough()) ? layer : "",
            rates[0],
            (int) $(epochs()),
            (int) $(trainingBatchSize()),
            (int) $(shards()),
            workers,
            (long) $(seed()),
            Duration.ofSeconds((int) $(workerTimeout())),
            isSet(checkpointFolder()) ? $(checkpointFolder()) : "",
            (int) $(checkpointSteps()));
    return fit.fit(content, rows, $(inputCols()), targets(), ProblemPolicy.of($(handleInvalid())));
  }

  private EspalierModel model(ModelContent trained) {
    EspalierModel model = new EspalierModel(uid(), trained);
    copyValues(model, new ParamMap());
    return model.setParent(this);
  }

  /**
   * Returns the columns of what the trained model makes. All may hold null.
   *
   * @throws IllegalArgumentException as {@link #fit} throws
   */
  @Override
  public StructType transformSchema(StructType schema) {
    targets().require(schema);
    if (isSet(validationCol())) {
      StructField field = schema.fields()[InputColumns.position(schema, $(validationCol()))];
      if (!(field.dataType() instanceof BooleanType)) {
        throw new IllegalArgumentException(
            "column \""
                + field.name()
                + "\": expected a boolean, got "
                + field.dataType().simpleString());
      }
    }
    ModelContent content = backbone();
    layer(content);
    if (!isSet(inputCols()) || $(inputCols()).length == 0) {
      throw new IllegalArgumentException("inputCols: expected at least one column, got none");
    }
    PredictionPlan plan =
        new PredictionPlan(
            content.digest(),
            List.of(),
            List.of(),
            (int) $(batchSize()),
            InputColumns.of(schema, $(inputCols()), content),
            false,
            PredictionPlan.outputs(
                targets().tasks(), List.of(), Optional.empty(), $(outputPrefix())),
            ProblemPolicy.of($(handleInvalid())),
            isSet(problemCol()) ? $(problemCol()) : "");
    plan.requireNewColumns(Arrays.asList(schema.fieldNames()));
    return plan.added(schema);
  }

  @Override
  public EspalierEstimator copy(ParamMap extra) {
    EspalierEstimator copy = new EspalierEstimator(uid());
    copyValues(copy, extra);
    copy.backbone = extra.contains(backboneFile()) ? null : backbone;
    return copy;
  }

  /** Returns for example {@code "EspalierEstimator[espalier_3f]"}. */
  @Override
  public String toString() {
    return "EspalierEstimator[" + uid() + "]";
  }

  private TargetColumns targets() {
    return new TargetColumns(
        $(labelsTask()),
        columns(labelCols()),
        columns(classCols()),
        $(valuesTask()),
        columns(valueCols()));
  }

  private List<String> columns(StringArrayParam setting) {
    return isSet(setting) ? List.of($(setting)) : List.of();
  }

  private String layer(ModelContent content) {
    String layer = isSet(frozenThrough()) ? $(frozenThrough()) : content.lastLayer();
    content.layer("frozenThrough", layer);
    return layer;
  }

  private synchronized ModelContent backbone() {
    if (backbone == null) {
      if (!isSet(backboneFile())) {
        throw new IllegalStateException("backboneFile: expected a model file, got none");
      }
      backbone = ModelContent.of(ModelFiles.read(SparkSession.active(), $(backboneFile())));
    }
    return backbone;
  }
}
