// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.Bridge;
import dev.espalier.internal.FlightRecording;
import dev.espalier.internal.JsonReader;
import dev.espalier.internal.NativeCall;
import dev.espalier.internal.NativeHandle;
import dev.espalier.internal.StackReserve;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;

/**
 * A graph of named layers with their parameters: one backbone, one or more heads. Made by {@link
 * #builder}, {@link #load}, {@link #copy} or {@link #transfer}.
 *
 * <p>Layers are addressed by name or glob ({@code *} any run of characters, {@code ?} one); a
 * pattern that matches nothing is an error that lists near names.
 *
 * <p><b>Threads.</b> Reading methods may run together on any threads. Methods that change the
 * network, and training, need it alone: where another thread is at it, they throw {@link
 * IllegalStateException} and change nothing. While a {@link Trainer} trains it, only the training
 * thread may read it, from a listener. Closing is always allowed.
 *
 * <p><b>Stack.</b> What makes a network, a predictor or a trainer, or changes several things,
 * throws {@link StackOverflowError} before it begins where the calling thread has less than 192 KiB
 * of stack left. Predictions need no more than the virtual machine promises native code anyway.
 *
 * <p>The native memory is freed by {@link #close}, at the latest when the object is collected.
 */
public final class Network implements AutoCloseable {
  private final NativeHandle handle;
  private final Shape inputShape;
  private final Object thresholdsLock = new Object(); // what is native and tasks change as one
  private volatile List<Task> tasks;

  Network(NativeHandle handle) {
    this.handle = handle;
    try {
      Map<?, ?> spec = (Map<?, ?>) JsonReader.read(handle.get(Bridge::networkSpec));
      inputShape = Descriptions.shape(spec.get("input"));
      tasks = Descriptions.tasks(spec);
    } catch (RuntimeException | Error error) {
      handle.close();
      throw error;
    }
  }

  /**
   * Starts the description of a network.
   *
   * @param input shape of one input
   * @return a builder without layers
   */
  public static NetworkBuilder builder(Shape input) {
    return new NetworkBuilder(input);
  }

  /**
   * Reads a network from a file that {@link #save} wrote. Strict: every size is checked before
   * anything is allocated; nothing in the file is executed.
   *
   * @param file the file
   * @return the network, with the same bits, to be closed by the caller
   * @throws ModelFileException if it is not a valid model file, or of another version
   * @throws java.io.UncheckedIOException if it cannot be read
   * @throws NativeMemoryException if the memory budget is too small
   */
  public static Network load(Path file) {
    return load(file, LoadOptions.defaults());
  }

  /**
   * As {@link #load(Path)}, within other limits.
   *
   * @param file the file
   * @param options limits
   * @return the network, with the same bits, to be closed by the caller
   * @throws ModelFileException if it is not a valid model file, of another version, or past a limit
   * @throws java.io.UncheckedIOException if it cannot be read
   * @throws NativeMemoryException if the memory budget is too small
   */
  public static Network load(Path file, LoadOptions options) {
    return new Network(open(file, Objects.requireNonNull(options, "options")));
  }

  /**
   * Plans a transfer from a file: as {@code load(file).transfer()} with all heads dropped.
   *
   * @param file a file that {@link #save} wrote; has to stay until the plan is built
   * @return a plan without heads
   * @throws ModelFileException if it is not a valid model file, or of another version
   * @throws java.io.UncheckedIOException if it cannot be read
   */
  public static TransferBuilder transferFrom(Path file) {
    return TransferBuilder.ofFile(file);
  }

  static NativeHandle open(Path file, LoadOptions options) {
    String path = path(file);
    String limits = options.toJson();
    return FlightRecording.modelLoad(
        path, () -> NativeHandle.create(() -> Bridge.networkLoad(path, limits)));
  }

  /**
   * Writes the network to a safetensors file with the graph in its metadata. A file that is there
   * already is replaced as a whole, or stays as it was if writing fails.
   *
   * @param file the file
   * @throws java.io.UncheckedIOException if it cannot be written
   * @throws IllegalStateException if this network is closed or another thread trains it
   */
  public void save(Path file) {
    String path = path(file);
    handle.run(id -> Bridge.networkSave(id, path));
  }

  /**
   * Plans how a copy of this network becomes another: without some layers, with other heads. {@link
   * TransferBuilder} says what then trains, and what is computed once.
   *
   * @return a plan that changes nothing yet
   */
  public TransferBuilder transfer() {
    return TransferBuilder.of(handle);
  }

  /**
   * Copies the network with all its parameters.
   *
   * @return the copy, to be closed by the caller
   * @throws IllegalStateException if this network is closed or another thread trains it
   */
  public Network copy() {
    return handle.get(id -> new Network(NativeHandle.create(() -> Bridge.networkClone(id))));
  }

  /**
   * Freezes layers: training leaves their parameters and running statistics alone, and dropout in
   * them is off. Gradients still pass through them.
   *
   * @param patterns names or globs of layers, at least one
   * @return this
   * @throws IllegalArgumentException if a pattern matches no layer; patterns before it have acted
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public Network freeze(String... patterns) {
    return freezeAll(false, BatchNormStatistics.KEEP, patterns);
  }

  /**
   * Freezes layers, deciding about the statistics of the batch norms among them.
   *
   * @param pattern name or glob of layers
   * @param statistics whether running statistics still adapt
   * @return this
   * @throws IllegalArgumentException if the pattern matches no layer
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public Network freeze(String pattern, BatchNormStatistics statistics) {
    return freezeAll(false, statistics, pattern);
  }

  /**
   * Freezes a layer and everything that it is computed from.
   *
   * @param layer name or glob
   * @return this
   * @throws IllegalArgumentException if it matches no layer
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public Network freezeThrough(String layer) {
    return freezeAll(true, BatchNormStatistics.KEEP, layer);
  }

  /**
   * Freezes a layer and everything that it is computed from, deciding about the statistics of the
   * batch norms among them.
   *
   * @param layer name or glob
   * @param statistics whether running statistics still adapt
   * @return this
   * @throws IllegalArgumentException if it matches no layer
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public Network freezeThrough(String layer, BatchNormStatistics statistics) {
    return freezeAll(true, statistics, layer);
  }

  /**
   * Makes layers trainable again.
   *
   * @param patterns names or globs of layers, at least one
   * @return this
   * @throws IllegalArgumentException if a pattern matches no layer; patterns before it have acted
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public Network unfreeze(String... patterns) {
    for (String pattern : TransferBuilder.patterns(patterns)) {
      handle.run(id -> Bridge.networkUnfreeze(id, pattern, false));
    }
    return this;
  }

  /**
   * Makes a layer and everything that it is computed from trainable again.
   *
   * @param layer name or glob
   * @return this
   * @throws IllegalArgumentException if it matches no layer
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public Network unfreezeThrough(String layer) {
    NativeCall.text(layer, "layer");
    handle.run(id -> Bridge.networkUnfreeze(id, layer, true));
    return this;
  }

  /**
   * Scales the optimizer's learning rate in some layers.
   *
   * @param pattern name or glob of layers
   * @param scale finite, not negative; 1 at first
   * @return this
   * @throws IllegalArgumentException if the pattern matches no layer or the scale is out of range
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public Network learningRateScale(String pattern, double scale) {
    NativeCall.text(pattern, "pattern");
    Arguments.notNegative("scale", scale);
    handle.run(id -> Bridge.networkSetLearningRateScale(id, pattern, scale));
    return this;
  }

  /**
   * Makes a predictor of the network as it is now.
   *
   * @return the predictor, to be closed by the caller
   * @throws IllegalStateException if this network is closed or another thread trains it
   * @throws NativeMemoryException if the memory budget is too small
   */
  public Predictor predictor() {
    return predictor(PredictorOptions.defaults());
  }

  /**
   * Makes a predictor of the network as it is now.
   *
   * @param options batch size, kind of output, heads, threads
   * @return the predictor, to be closed by the caller
   * @throws IllegalArgumentException if the options name a head that there is not
   * @throws IllegalStateException if this network is closed or another thread trains it
   * @throws NativeMemoryException if the memory budget is too small
   */
  public Predictor predictor(PredictorOptions options) {
    Objects.requireNonNull(options, "options");
    return new Predictor(handle, inputShape, tasks, options);
  }

  /**
   * Evaluates loss and metrics of all tasks that the data set has targets for. A label counts as
   * predicted from its threshold on (see {@link #tuneThresholds}), 0.5 where none was set. Logits
   * and targets of all examples are in direct memory meanwhile, fewer than 2^29 numbers of each.
   *
   * @param data examples with targets, at least one example
   * @return the evaluation; print it
   * @throws IllegalArgumentException if tasks or targets do not fit the network
   * @throws ShapeException if inputs have the wrong size
   * @throws NonFiniteException if an input is not finite, naming the example
   * @throws IllegalStateException if this network is closed or another thread trains it
   * @throws NativeMemoryException if there is no memory for the logits and targets of all examples
   */
  public Evaluation evaluate(Dataset data) {
    return evaluate(data, OptionalDouble.empty());
  }

  /**
   * As {@link #evaluate(Dataset)}, with one threshold for all labels instead of the network's.
   *
   * @param data examples with targets, at least one example
   * @param threshold probability from which on a label counts as predicted, 0 to 1
   * @return the evaluation
   * @throws IllegalArgumentException if tasks or targets do not fit the network
   * @throws ShapeException if inputs have the wrong size
   * @throws NonFiniteException if an input is not finite, naming the example
   * @throws IllegalStateException if this network is closed or another thread trains it
   * @throws NativeMemoryException if there is no memory for the logits and targets of all examples
   */
  public Evaluation evaluate(Dataset data, double threshold) {
    return evaluate(data, OptionalDouble.of(Arguments.inRange("threshold", threshold, 0, 1)));
  }

  private Evaluation evaluate(Dataset data, OptionalDouble threshold) {
    TargetBinding binding = TargetBinding.of(tasks, inputShape, data);
    try (Predictor predictor = predictor(PredictorOptions.defaults().logits())) {
      return new EvaluationRun(handle, binding, data, threshold).withPredictor(predictor);
    }
  }

  /**
   * Makes probabilities honest: of all answers given with probability 0.8, four in five should be
   * true. The logits of each label become {@code scale * logit + bias} (Platt scaling), those of a
   * task of classes {@code scale * logit} (temperature scaling), as known answers ask for by the
   * smallest log loss, as if one more right and one more wrong one were known: a few examples that
   * are all right do not ask for certainty; no ranking and no best class changes. The output layers
   * take it up, so that every form of prediction has it, and the model file; training goes on from
   * there. Tasks of values, and labels whose known answers are all the same, stay as they are.
   *
   * <p>Thresholds that were set ({@link #setThresholds}, {@link #tuneThresholds}) become those that
   * the new probabilities reach where the old ones reached the old: the answers stay the same, but
   * for probabilities that are equal in float now. Labels whose thresholds were never set keep 0.5,
   * which honest probabilities give a meaning. The report lists both.
   *
   * <p>Use examples that the network was not trained on, or it learns how sure it may be of those
   * that it knows by heart. Sources: Platt 1999; Guo et al., "On Calibration of Modern Neural
   * Networks", 2017, arXiv:1706.04599.
   *
   * @param validation examples with targets, at least one example
   * @return what was done
   * @throws IllegalArgumentException if tasks or targets do not fit the network
   * @throws ShapeException if inputs have the wrong size
   * @throws NonFiniteException if an input is not finite, naming the example
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public CalibrationReport calibrate(Dataset validation) {
    return Tuning.calibrate(this, validation);
  }

  /**
   * Sets the threshold of each label to the one with the best F1 on known answers: for labels that
   * are rare, or that are worth more hits or fewer false alarms than 0.5 gives. An answer counts as
   * yes from 0.5 on; unlabelled entries count for nothing. See {@link #setThresholds}. Labels
   * without a known yes get 0.5.
   *
   * @param validation examples with targets that the network was not trained on
   * @return this
   * @throws IllegalArgumentException if tasks or targets do not fit the network
   * @throws ShapeException if inputs have the wrong size
   * @throws NonFiniteException if an input is not finite, naming the example
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public Network tuneThresholds(Dataset validation) {
    Tuning.tuneThresholds(this, validation);
    return this;
  }

  /**
   * Sets the probability from which on each label of a task counts as true in {@link
   * Prediction#labels(String)}. They are kept in model files and copies; predictors made from now
   * on know them. 0.5 by default.
   *
   * @param task name of a task of labels
   * @param thresholds one a label, 0 to 1; or none, for 0.5 each
   * @return this
   * @throws IllegalArgumentException if there is no such task, it is not one of labels, or the
   *     thresholds do not fit it
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public Network setThresholds(String task, double... thresholds) {
    NativeCall.text(task, "task");
    double[] copy = Objects.requireNonNull(thresholds, "thresholds").clone();
    StackReserve.require();
    synchronized (thresholdsLock) {
      handle.run(id -> Bridge.networkSetThresholds(id, task, copy, copy.length));
      tasks =
          tasks.stream()
              .map(old -> old.name().equals(task) ? withThresholds(old, copy) : old)
              .toList();
    }
    return this;
  }

  /**
   * As {@link #setThresholds(String, double...)} for all tasks at once, or none: an entry for each
   * output, NaN for those of tasks that keep their thresholds.
   */
  void setThresholds(double[] columns) {
    StackReserve.require();
    synchronized (thresholdsLock) {
      handle.run(id -> Bridge.networkSetAllThresholds(id, columns, columns.length));
      List<Task> changed = new ArrayList<>();
      int column = 0;
      for (Task task : tasks) {
        changed.add(
            Double.isNaN(columns[column])
                ? task
                : withThresholds(task, Arrays.copyOfRange(columns, column, column + task.width())));
        column += task.width();
      }
      tasks = List.copyOf(changed);
    }
  }

  /**
   * Starts the bias of a task's output layer at what its labelled entries say before any input is
   * looked at, in place of what it is. With weights of zero (a new head on a frozen backbone) a
   * prediction is then the prior itself, which helps where answers are rare or values are far from
   * 0. Call it before training a new head: {@code network.initializeBias("finding", data)}.
   *
   * <ul>
   *   <li>Labels: {@code log((y + 1) / (n - y + 1))} of each, y being the sum of its n labelled
   *       entries. One yes and one no more than there are keep it finite, and 0 for n = 0.
   *   <li>Classes: {@code log(n_c + 1)}, less the mean of that over the classes, n_c being the
   *       examples of class c.
   *   <li>Values: the mean of its labelled entries; 0 if there are none.
   * </ul>
   *
   * <p>Class weights, positive weights and label smoothing are not considered.
   *
   * @param task name of the task
   * @param data what the head will be trained on; its targets are read once, its inputs not
   * @return this
   * @throws IllegalArgumentException if there is no such task, or the data set has no targets of it
   *     or some that don't fit
   * @throws ShapeException if inputs or targets have the wrong shape
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public Network initializeBias(String task, Dataset data) {
    NativeCall.text(task, "task");
    Objects.requireNonNull(data, "data");
    float[] bias = PriorBias.of(tasks, inputShape(), task, data);
    return setParameter("heads." + task + ".dense.bias", bias);
  }

  private static Task withThresholds(Task task, double[] thresholds) {
    return task.thresholds(Arrays.stream(thresholds).boxed().toList());
  }

  /** Makes each logit {@code scale * logit + bias}, in the output layers; all or none. */
  void scaleLogits(double[] scales, double[] biases) {
    synchronized (thresholdsLock) {
      handle.run(id -> Bridge.networkScaleLogits(id, scales, biases, scales.length));
      tasks = Descriptions.tasks((Map<?, ?>) JsonReader.read(handle.get(Bridge::networkSpec)));
    }
  }

  /**
   * Returns a table of the layers: name, kind, output shape, parameters, trainable or frozen,
   * learning rate.
   *
   * @return lines for people
   * @throws IllegalStateException if this network is closed or another thread trains it
   */
  public String summary() {
    return Descriptions.table(layers(), false);
  }

  /**
   * Returns the layers in the order of computation.
   *
   * @return backbone and heads
   * @throws IllegalStateException if this network is closed or another thread trains it
   */
  public List<LayerSummary> layers() {
    return Descriptions.layers(handle.get(Bridge::networkDescribe));
  }

  /**
   * Returns all parameters and buffers.
   *
   * @return paths and shapes
   * @throws IllegalStateException if this network is closed or another thread trains it
   */
  public List<ParameterSummary> parameters() {
    return Descriptions.parameters(handle.get(Bridge::networkParameters));
  }

  /**
   * Copies a parameter or buffer out of the network.
   *
   * @param path for example {@code "conv1.weight"}
   * @return its values, row-major, all of them finite
   * @throws IllegalArgumentException if there is none of that path
   * @throws IllegalStateException if this network is closed or another thread trains it
   */
  public float[] parameter(String path) {
    float[] values = new float[parameterSize(path)];
    handle.run(id -> Bridge.networkReadParameter(id, path, values, values.length));
    return values;
  }

  /**
   * Copies values into a parameter or buffer.
   *
   * @param path for example {@code "conv1.weight"}
   * @param values its new values, row-major; not kept
   * @return this
   * @throws IllegalArgumentException if there is none of that path
   * @throws ShapeException if the number of values is wrong
   * @throws NonFiniteException if a value is NaN or infinite, which no network ever holds
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public Network setParameter(String path, float[] values) {
    Objects.requireNonNull(values, "values");
    int size = parameterSize(path);
    if (values.length != size) {
      throw new ShapeException(
          "parameter " + path + ": expected " + size + " values, got " + values.length);
    }
    handle.run(id -> Bridge.networkWriteParameter(id, path, values, values.length));
    return this;
  }

  /**
   * Returns the tasks, in the order of heads.
   *
   * @return one a head
   */
  public List<Task> tasks() {
    return tasks;
  }

  /**
   * Returns the shape of an input.
   *
   * @return the shape that the network was built for
   */
  public Shape inputShape() {
    return inputShape;
  }

  /**
   * Returns the native memory that this network holds.
   *
   * @return bytes
   * @throws IllegalStateException if this network is closed
   */
  public long nativeBytes() {
    return handle.nativeBytes();
  }

  /**
   * Returns whether this network is closed.
   *
   * @return true after {@link #close}
   */
  public boolean isClosed() {
    return handle.isClosed();
  }

  /**
   * Frees the native memory once no call runs any more. Predictors and copies are unaffected. Never
   * waits; further calls do nothing.
   */
  @Override
  public void close() {
    handle.close();
  }

  NativeHandle handle() {
    return handle;
  }

  private static String path(Path file) {
    if (Objects.requireNonNull(file, "file").getFileSystem() != FileSystems.getDefault()) {
      throw new IllegalArgumentException(
          "file: expected a path of the default file system, got " + file.toUri());
    }
    return file.toAbsolutePath().toString();
  }

  private int parameterSize(String path) {
    NativeCall.text(path, "path");
    return Math.toIntExact(handle.getLong(id -> Bridge.networkParameterSize(id, path)));
  }

  private Network freezeAll(boolean isThrough, BatchNormStatistics statistics, String... patterns) {
    boolean adapts = Objects.requireNonNull(statistics, "statistics") == BatchNormStatistics.ADAPT;
    for (String pattern : TransferBuilder.patterns(patterns)) {
      handle.run(id -> Bridge.networkFreeze(id, pattern, isThrough, adapts));
    }
    return this;
  }
}
