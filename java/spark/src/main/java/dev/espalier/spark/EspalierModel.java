// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.Network;
import dev.espalier.Task;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.apache.spark.ml.Model;
import org.apache.spark.ml.param.BooleanParam;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.param.StringArrayParam;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.ml.util.MLWritable;
import org.apache.spark.ml.util.MLWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * A network as a stage of Spark ML: adds what it answers to the rows of a data frame.
 *
 * <pre>{@code
 * EspalierModel model = EspalierModel.ofFile(Path.of("use.safetensors")).setInputCols("pixels");
 * Dataset<Row> answers = model.transform(pictures);     // use_probability, use_labels
 * }</pre>
 *
 * <p><b>Columns in</b> ({@link #setInputCols}), told by their types: a vector of Spark ML; an array
 * of numbers; the content of pictures' files (binary), if the model keeps a {@link
 * dev.espalier.data.PictureReader}; texts, if it keeps {@link dev.espalier.text.TextInputs}; the
 * columns of a table, if it keeps {@link dev.espalier.data.TableInputs}; else several columns of
 * numbers, as many as the model reads, in the order given. Doubles are rounded to floats.
 *
 * <p><b>Columns out.</b> For a task {@code use} of labels: {@code use_probability}, a vector, and
 * {@code use_labels}, those whose probabilities reach the thresholds that the model keeps. Of
 * classes: {@code use_probability}, and {@code use_class}, the name of the most probable one. Of
 * values: {@code use_value}, a vector. With {@link #featuresAt} what a layer makes, as a vector,
 * and of the tasks only those named by {@link #setTasks}.
 *
 * <p><b>Rows without an answer</b>, whose input is null, has another size, holds null, NaN or
 * infinity, or can't be read, fail the job, which names the first one; or get null, or are left out
 * ({@link #setHandleInvalid}); {@link #setProblemCol} says for each row what is wrong. A blank cell
 * of a table is no problem.
 *
 * <p><b>On the executors</b> there is one predictor in each process for each model, whichever
 * stages use it; a task uses {@code spark.task.cpus} threads. It takes native memory beside the
 * heap, about the size of the model's file and of a batch for each task: {@code
 * spark.executor.memoryOverhead}. The same row gives the same bits in any partition and batch.
 *
 * <p>Like all stages it belongs to one thread while it is changed; {@link #transform} may be called
 * by any number.
 *
 * @since 0.1
 */
public final class EspalierModel extends Model<EspalierModel> implements MLWritable {
  private static final long serialVersionUID = 1;

  private final String uid;
  private final StringArrayParam inputCols;
  private final BooleanParam dropInputCols;
  private final Param<String> outputPrefix;
  private final StringArrayParam tasks;
  private final Param<String> featuresLayer;
  private final Param<String> featuresCol;
  private final Param<String> handleInvalid;
  private final Param<String> problemCol;
  private final IntParam batchSize;
  private final Param<String> modelFile;
  private transient @Nullable ModelContent content;

  /** Makes a stage that reads its model from {@link #setModelFile}: for Spark Connect. */
  public EspalierModel() {
    this(Identifiable.randomUID("espalier"));
  }

  /**
   * Makes a stage that reads its model from {@link #setModelFile}.
   *
   * @param uid what tells it from other stages
   */
  public EspalierModel(String uid) {
    this.uid = Objects.requireNonNull(uid, "uid");
    inputCols = PredictionSettings.inputCols(this);
    dropInputCols = new BooleanParam(this, "dropInputCols", "whether the input is left out");
    outputPrefix = PredictionSettings.outputPrefix(this);
    tasks = new StringArrayParam(this, "tasks", "tasks that are answered; all if there are none");
    featuresLayer = new Param<>(this, "featuresLayer", "layer whose values are computed");
    featuresCol = new Param<>(this, "featuresCol", "column of the layer's values");
    handleInvalid = PredictionSettings.handleInvalid(this);
    problemCol = PredictionSettings.problemCol(this);
    batchSize = PredictionSettings.batchSize(this);
    modelFile = new Param<>(this, "modelFile", "where the model is read from");
    setDefault(dropInputCols, false);
    setDefault(outputPrefix, "");
    setDefault(featuresCol, "network_features");
    setDefault(handleInvalid, "error");
    setDefault(batchSize, 64);
  }

  private EspalierModel(ModelContent content) {
    this();
    this.content = content;
  }

  /** Makes the stage that an estimator of that uid trained. */
  EspalierModel(String uid, ModelContent content) {
    this(uid);
    this.content = content;
  }

  /**
   * Makes a stage of a network as it is now.
   *
   * @param network stays the caller's
   * @return the stage
   * @throws IllegalStateException if the network is closed or another thread trains it
   */
  public static EspalierModel of(Network network) {
    return new EspalierModel(ModelContent.of(Objects.requireNonNull(network, "network")));
  }

  /**
   * Makes a stage of a model file on this machine; {@link #setModelFile} takes those of other file
   * systems.
   *
   * @param file what {@link Network#save} wrote; read now
   * @return the stage
   * @throws dev.espalier.ModelFileException if it is no model, or a damaged one
   * @throws UncheckedIOException if it can't be read
   */
  public static EspalierModel ofFile(Path file) {
    try {
      return new EspalierModel(ModelContent.of(Files.readAllBytes(file)));
    } catch (IOException error) {
      throw new UncheckedIOException(file + ": " + error.getMessage(), error);
    }
  }

  /**
   * Reads a stage that {@link #save} wrote.
   *
   * @param path a folder of any file system that Spark knows
   * @return the stage
   */
  public static EspalierModel load(String path) {
    return read().load(path);
  }

  /**
   * Returns what reads stages that {@link #save} wrote; Spark asks for it, too.
   *
   * @return the reader
   */
  public static MLReader<EspalierModel> read() {
    return new StageReader<>(EspalierModel::setContent);
  }

  /**
   * Returns what writes this stage: its settings as all of Spark's, and beside them {@code
   * model.safetensors}.
   *
   * @return the writer
   */
  @Override
  public MLWriter write() {
    return new StageWriter(this, this::content);
  }

  @Override
  public String uid() {
    return uid;
  }

  /**
   * Sets the columns that an example's input is made of.
   *
   * @param columns one of vectors, arrays, pictures or texts; or some of numbers, or of a table
   * @return this
   */
  public EspalierModel setInputCols(String... columns) {
    set(inputCols, Objects.requireNonNull(columns, "columns").clone());
    return this;
  }

  /**
   * Sets whether the columns of {@link #setInputCols} are left out of the result. Default false, as
   * Spark's own stages keep them; an input of a hundred thousand numbers takes longer on its way
   * back than an answer of a few.
   *
   * @param isDropped whether they are
   * @return this
   */
  public EspalierModel setDropInputCols(boolean isDropped) {
    set(dropInputCols, isDropped);
    return this;
  }

  /**
   * Sets what the names of the tasks' columns begin with. Default nothing.
   *
   * @param prefix any text
   * @return this
   */
  public EspalierModel setOutputPrefix(String prefix) {
    set(outputPrefix, Objects.requireNonNull(prefix, "prefix"));
    return this;
  }

  /**
   * Sets the tasks that are answered; nothing that only others need is computed. Default all, or
   * none beside {@link #featuresAt}.
   *
   * @param names of tasks of the model; none for the default
   * @return this
   */
  public EspalierModel setTasks(String... names) {
    set(tasks, Objects.requireNonNull(names, "names").clone());
    return this;
  }

  /**
   * Adds what a layer makes, as a column of vectors, row-major.
   *
   * @param layer name of a layer of the model
   * @return this
   */
  public EspalierModel featuresAt(String layer) {
    set(featuresLayer, Objects.requireNonNull(layer, "layer"));
    return this;
  }

  /**
   * Names the column of {@link #featuresAt}. Default {@code "network_features"}.
   *
   * @param column a name that there is not
   * @return this
   */
  public EspalierModel setFeaturesCol(String column) {
    set(featuresCol, Objects.requireNonNull(column, "column"));
    return this;
  }

  /**
   * Sets what becomes of rows without an answer.
   *
   * @param policy {@code "error"}, the default: the job fails; {@code "keep"}: null; {@code
   *     "skip"}: the row is left out
   * @return this
   * @throws IllegalArgumentException if it is another text
   */
  public EspalierModel setHandleInvalid(String policy) {
    set(handleInvalid, Objects.requireNonNull(policy, "policy"));
    return this;
  }

  /**
   * Adds a column of texts that say what is wrong with a row, null where nothing is. For {@code
   * setHandleInvalid("keep")}.
   *
   * @param column a name that there is not
   * @return this
   */
  public EspalierModel setProblemCol(String column) {
    set(problemCol, Objects.requireNonNull(column, "column"));
    return this;
  }

  /**
   * Sets how many rows are predicted at once, at most: fewer where their inputs would take more
   * than 32 MiB. Default 64.
   *
   * @param rows 1 to 65536
   * @return this
   * @throws IllegalArgumentException if it is out of range
   */
  public EspalierModel setBatchSize(int rows) {
    set(batchSize, rows);
    return this;
  }

  /**
   * Sets where the model is read from when it is first needed, on the driver, in place of the one
   * that there is.
   *
   * @param file of any file system that Spark knows, {@code "hdfs:///models/use.safetensors"}, say
   * @return this
   */
  public EspalierModel setModelFile(String file) {
    set(modelFile, Objects.requireNonNull(file, "file"));
    content = null;
    return this;
  }

  /**
   * Returns the columns that an example's input is made of.
   *
   * @return the setting
   */
  public StringArrayParam inputCols() {
    return inputCols;
  }

  /**
   * Returns whether the columns of the input are left out.
   *
   * @return the setting
   */
  public BooleanParam dropInputCols() {
    return dropInputCols;
  }

  /**
   * Returns what the names of the tasks' columns begin with.
   *
   * @return the setting
   */
  public Param<String> outputPrefix() {
    return outputPrefix;
  }

  /**
   * Returns the tasks that are answered.
   *
   * @return the setting
   */
  public StringArrayParam tasks() {
    return tasks;
  }

  /**
   * Returns the layer whose values are computed.
   *
   * @return the setting
   */
  public Param<String> featuresLayer() {
    return featuresLayer;
  }

  /**
   * Returns the column of the layer's values.
   *
   * @return the setting
   */
  public Param<String> featuresCol() {
    return featuresCol;
  }

  /**
   * Returns what becomes of rows without an answer.
   *
   * @return the setting
   */
  public Param<String> handleInvalid() {
    return handleInvalid;
  }

  /**
   * Returns the column that says what is wrong with a row.
   *
   * @return the setting
   */
  public Param<String> problemCol() {
    return problemCol;
  }

  /**
   * Returns how many rows are predicted at once.
   *
   * @return the setting
   */
  public IntParam batchSize() {
    return batchSize;
  }

  /**
   * Returns where the model is read from.
   *
   * @return the setting
   */
  public Param<String> modelFile() {
    return modelFile;
  }

  /**
   * Returns the model's tasks.
   *
   * @return one a head
   */
  public List<Task> networkTasks() {
    return content().tasks();
  }

  /**
   * Returns what an {@link EspalierEstimator} tried to make this model, and chose.
   *
   * @return lines for people; empty if none made it
   */
  public String report() {
    return content().report();
  }

  /**
   * Returns the model's file, for {@link Network#load(byte[])}.
   *
   * @return its bytes, a new array
   */
  public byte[] modelBytes() {
    return content().bytes().clone();
  }

  /**
   * Adds the columns of the answers. Nothing is computed until they are asked for.
   *
   * @throws IllegalArgumentException if a column is missing, has a type that the model does not
   *     read, or is there already; or there is no such task or layer
   */
  @Override
  public Dataset<Row> transform(Dataset<?> rows) {
    ModelContent model = content();
    PredictionPlan plan = plan(rows.schema(), model);
    return PredictedColumns.add(rows, plan, model);
  }

  /**
   * Returns the columns of {@link #transform}'s result. All may hold null.
   *
   * @throws IllegalArgumentException as {@link #transform} throws
   */
  @Override
  public StructType transformSchema(StructType schema) {
    return plan(schema, content()).added(schema);
  }

  @Override
  public EspalierModel copy(ParamMap extra) {
    EspalierModel copy = new EspalierModel(uid);
    copyValues(copy, extra);
    copy.content = content;
    if (extra.contains(modelFile)) {
      copy.content = null;
    }
    copy.setParent(parent());
    return copy;
  }

  /** Returns for example {@code "EspalierModel[espalier_3f, tasks [use: labels [shoe, top]]]"}. */
  @Override
  public String toString() {
    return "EspalierModel["
        + uid
        + (content == null ? ", not read yet" : ", tasks " + content.tasks())
        + "]";
  }

  /** Takes another model, that of a saved stage. */
  void setContent(ModelContent content) {
    this.content = content;
  }

  synchronized ModelContent content() {
    if (content == null) {
      if (!isSet(modelFile)) {
        throw new IllegalStateException("modelFile: expected a model file, got none");
      }
      content = ModelContent.of(ModelFiles.read(SparkSession.active(), $(modelFile)));
    }
    return content;
  }

  private PredictionPlan plan(StructType schema, ModelContent model) {
    List<String> heads = isSet(tasks) ? List.of($(tasks)) : List.of();
    for (String head : heads) {
      if (model.tasks().stream().noneMatch(task -> task.name().equals(head))) {
        throw new IllegalArgumentException(
            "tasks: expected some of "
                + model.tasks().stream().map(Task::name).toList()
                + ", got \""
                + head
                + "\"");
      }
    }
    if (!isSet(inputCols) || $(inputCols).length == 0) {
      throw new IllegalArgumentException("inputCols: expected at least one column, got none");
    }
    PredictionPlan plan =
        new PredictionPlan(
            model.digest(),
            heads,
            isSet(featuresLayer) ? List.of($(featuresLayer)) : List.of(),
            (int) $(batchSize),
            InputColumns.of(schema, $(inputCols), model),
            (boolean) $(dropInputCols),
            PredictionPlan.outputs(model.tasks(), heads, layer(model), $(outputPrefix)),
            ProblemPolicy.of($(handleInvalid)),
            isSet(problemCol) ? $(problemCol) : "");
    plan.requireNewColumns(Arrays.asList(schema.fieldNames()));
    return plan;
  }

  private Optional<Output> layer(ModelContent model) {
    if (!isSet(featuresLayer)) {
      return Optional.empty();
    }
    int width = model.layer("featuresLayer", $(featuresLayer)).size();
    return Optional.of(Output.ofLayer($(featuresCol), 0, width));
  }
}
