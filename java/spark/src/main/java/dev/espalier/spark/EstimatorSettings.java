// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.util.Objects;
import org.apache.spark.ml.Estimator;
import org.apache.spark.ml.param.BooleanParam;
import org.apache.spark.ml.param.DoubleArrayParam;
import org.apache.spark.ml.param.DoubleParam;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.LongParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamValidators;
import org.apache.spark.ml.param.StringArrayParam;

/** The settings of {@link EspalierEstimator}, as grids and Spark's files know them. */
abstract class EstimatorSettings extends Estimator<EspalierModel> {
  private static final long serialVersionUID = 1;

  private final String uid;
  private final Param<String> backboneFile;
  private final StringArrayParam inputCols;
  private final StringArrayParam labelCols;
  private final Param<String> labelsTask;
  private final StringArrayParam classCols;
  private final StringArrayParam valueCols;
  private final Param<String> valuesTask;
  private final Param<String> frozenThrough;
  private final DoubleArrayParam learningRates;
  private final LongParam headSteps;
  private final IntParam trainingBatchSize;
  private final LongParam seed;
  private final DoubleParam validationFraction;
  private final Param<String> validationCol;
  private final BooleanParam tuneThresholds;
  private final Param<String> handleInvalid;
  private final Param<String> problemCol;
  private final Param<String> outputPrefix;
  private final IntParam batchSize;
  private final IntParam epochs;
  private final IntParam shards;
  private final IntParam workers;
  private final IntParam workerTimeout;
  private final Param<String> checkpointFolder;
  private final IntParam checkpointSteps;

  EstimatorSettings(String uid) {
    this.uid = Objects.requireNonNull(uid, "uid");
    backboneFile = new Param<>(this, "backboneFile", "where the backbone is read from");
    inputCols = PredictionSettings.inputCols(this);
    labelCols = new StringArrayParam(this, "labelCols", "columns of yes/no questions");
    labelsTask = new Param<>(this, "labelsTask", "name of the task of labels");
    classCols = new StringArrayParam(this, "classCols", "columns of one class of several");
    valueCols = new StringArrayParam(this, "valueCols", "columns of numbers to tell");
    valuesTask = new Param<>(this, "valuesTask", "name of the task of values");
    frozenThrough = new Param<>(this, "frozenThrough", "layer that the heads stand on");
    learningRates = new DoubleArrayParam(this, "learningRates", "learning rates to try");
    headSteps =
        new LongParam(this, "headSteps", "steps of training, at most", ParamValidators.gtEq(1));
    trainingBatchSize =
        new IntParam(
            this, "trainingBatchSize", "examples a step", ParamValidators.inRange(1, 1 << 20));
    seed = new LongParam(this, "seed", "seed of heads, split and shuffles");
    validationFraction =
        new DoubleParam(
            this,
            "validationFraction",
            "share of rows that choose",
            ParamValidators.inRange(0, 1, false, false));
    validationCol = new Param<>(this, "validationCol", "boolean column of rows that choose");
    tuneThresholds =
        new BooleanParam(this, "tuneThresholds", "whether labels get their best thresholds");
    handleInvalid = PredictionSettings.handleInvalid(this);
    problemCol = PredictionSettings.problemCol(this);
    outputPrefix = PredictionSettings.outputPrefix(this);
    batchSize = PredictionSettings.batchSize(this);
    epochs = new IntParam(this, "epochs", "how often all rows train all", ParamValidators.gtEq(1));
    shards =
        new IntParam(
            this, "shards", "parts of a batch, whoever computes them", ParamValidators.gtEq(1));
    workers = new IntParam(this, "workers", "tasks that train at once", ParamValidators.gtEq(1));
    workerTimeout =
        new IntParam(
            this, "workerTimeout", "seconds a worker waits for others", ParamValidators.gtEq(1));
    checkpointFolder =
        new Param<>(this, "checkpointFolder", "where is written how far training is");
    checkpointSteps =
        new IntParam(this, "checkpointSteps", "steps between two", ParamValidators.gtEq(1));
    setDefault(shards, 8);
    setDefault(workerTimeout, 600);
    setDefault(checkpointSteps, 100);
    setDefault(labelsTask, "labels");
    setDefault(valuesTask, "values");
    setDefault(learningRates, new double[] {3e-3, 1e-2});
    setDefault(trainingBatchSize, 32);
    setDefault(seed, 0L);
    setDefault(validationFraction, 0.2);
    setDefault(tuneThresholds, false);
    setDefault(handleInvalid, "error");
    setDefault(outputPrefix, "");
    setDefault(batchSize, 64);
  }

  @Override
  public String uid() {
    return uid;
  }

  /**
   * Returns the setting: where the backbone is read from.
   *
   * @return the setting
   */
  public Param<String> backboneFile() {
    return backboneFile;
  }

  /**
   * Returns the setting: columns that an input is made of.
   *
   * @return the setting
   */
  public StringArrayParam inputCols() {
    return inputCols;
  }

  /**
   * Returns the setting: columns of yes/no questions.
   *
   * @return the setting
   */
  public StringArrayParam labelCols() {
    return labelCols;
  }

  /**
   * Returns the setting: name of the task of labels.
   *
   * @return the setting
   */
  public Param<String> labelsTask() {
    return labelsTask;
  }

  /**
   * Returns the setting: columns of one class of several.
   *
   * @return the setting
   */
  public StringArrayParam classCols() {
    return classCols;
  }

  /**
   * Returns the setting: columns of numbers to tell.
   *
   * @return the setting
   */
  public StringArrayParam valueCols() {
    return valueCols;
  }

  /**
   * Returns the setting: name of the task of values.
   *
   * @return the setting
   */
  public Param<String> valuesTask() {
    return valuesTask;
  }

  /**
   * Returns the setting: layer that the heads stand on.
   *
   * @return the setting
   */
  public Param<String> frozenThrough() {
    return frozenThrough;
  }

  /**
   * Returns the setting: learning rates to try.
   *
   * @return the setting
   */
  public DoubleArrayParam learningRates() {
    return learningRates;
  }

  /**
   * Returns the setting: steps of training, at most.
   *
   * @return the setting
   */
  public LongParam headSteps() {
    return headSteps;
  }

  /**
   * Returns the setting: examples a step.
   *
   * @return the setting
   */
  public IntParam trainingBatchSize() {
    return trainingBatchSize;
  }

  /**
   * Returns the setting: seed of heads, split and shuffles.
   *
   * @return the setting
   */
  public LongParam seed() {
    return seed;
  }

  /**
   * Returns the setting: share of rows that choose.
   *
   * @return the setting
   */
  public DoubleParam validationFraction() {
    return validationFraction;
  }

  /**
   * Returns the setting: boolean column of rows that choose.
   *
   * @return the setting
   */
  public Param<String> validationCol() {
    return validationCol;
  }

  /**
   * Returns the setting: whether labels get their best thresholds.
   *
   * @return the setting
   */
  public BooleanParam tuneThresholds() {
    return tuneThresholds;
  }

  /**
   * Returns the setting: what becomes of rows without an answer: error, keep (null) or skip.
   *
   * @return the setting
   */
  public Param<String> handleInvalid() {
    return handleInvalid;
  }

  /**
   * Returns the setting: column that says what is wrong with a row.
   *
   * @return the setting
   */
  public Param<String> problemCol() {
    return problemCol;
  }

  /**
   * Returns the setting: what names of columns of tasks begin with.
   *
   * @return the setting
   */
  public Param<String> outputPrefix() {
    return outputPrefix;
  }

  /**
   * Returns the setting: rows at once, at most.
   *
   * @return the setting
   */
  public IntParam batchSize() {
    return batchSize;
  }

  /**
   * Returns the setting: how often all rows train all layers.
   *
   * @return the setting
   */
  public IntParam epochs() {
    return epochs;
  }

  /**
   * Returns the setting: parts of a batch.
   *
   * @return the setting
   */
  public IntParam shards() {
    return shards;
  }

  /**
   * Returns the setting: tasks that train at once.
   *
   * @return the setting
   */
  public IntParam workers() {
    return workers;
  }

  /**
   * Returns the setting: seconds a worker waits for others.
   *
   * @return the setting
   */
  public IntParam workerTimeout() {
    return workerTimeout;
  }

  /**
   * Returns the setting: where is written how far training is.
   *
   * @return the setting
   */
  public Param<String> checkpointFolder() {
    return checkpointFolder;
  }

  /**
   * Returns the setting: steps from one time to the next that this is written.
   *
   * @return the setting
   */
  public IntParam checkpointSteps() {
    return checkpointSteps;
  }
}
