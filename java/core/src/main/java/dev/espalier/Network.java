// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.Bridge;
import dev.espalier.internal.JsonReader;
import dev.espalier.internal.NativeCall;
import dev.espalier.internal.NativeHandle;
import dev.espalier.internal.StackReserve;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Path;
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
 * BusyException} and change nothing. While a {@link Trainer} trains it, only the training thread
 * may read it, from a listener. Closing is always allowed; all methods of a closed network that
 * need what it held throw {@link ClosedException}. Both are {@link IllegalStateException}s.
 *
 * <p>The native memory is freed by {@link #close}, at the latest when the object is collected.
 *
 * @since 0.1
 */
public final class Network extends NetworkFiles implements AutoCloseable {
  private final NativeHandle handle;
  private final NetworkInputs inputs;
  private final NetworkTasks tasks;
  private final NetworkParameters parameters;

  Network(NativeHandle handle) {
    this.handle = handle;
    parameters = new NetworkParameters(handle);
    try {
      Map<?, ?> spec = (Map<?, ?>) JsonReader.read(handle.networkSpec());
      inputs = NetworkInputs.of(spec);
      tasks = new NetworkTasks(handle, Descriptions.tasks(spec));
      readMetadata(spec);
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
    return new NetworkBuilder(List.of(Input.floats("input", input)));
  }

  /**
   * Starts the description of a network with several inputs; the first layer follows the first.
   *
   * @param inputs one or more, with different names
   * @return a builder without layers
   */
  public static NetworkBuilder builder(Input... inputs) {
    return new NetworkBuilder(List.of(Objects.requireNonNull(inputs, "inputs")));
  }

  /**
   * Reads a network from a file that {@link #save(Path)} wrote. Strict: every size is checked
   * before anything is allocated; nothing in the file is executed.
   *
   * @param file a path of any file system
   * @return the network, with the same bits, to be closed by the caller
   * @throws ModelFileException if it is not a valid model file, of another version or past a limit
   *     of {@link LoadOptions}; of a file of another program it says what it seems to be
   * @throws java.io.UncheckedIOException if it cannot be read
   * @throws NativeMemoryException if the memory budget is too small
   */
  public static Network load(Path file) {
    return load(file, LoadOptions.defaults());
  }

  /**
   * Reads a network as {@link #load(Path)} does, with its exceptions, within other limits.
   *
   * @param file a path of any file system
   * @param options limits on what the network may ask of the machine
   * @return the network, with the same bits, to be closed by the caller
   */
  public static Network load(Path file, LoadOptions options) {
    return new Network(ModelPath.open(file, Objects.requireNonNull(options, "options")));
  }

  /**
   * Reads a network from the bytes of a model file as {@link #load(Path)} does, with its
   * exceptions.
   *
   * @param bytes all bytes of the file; not kept
   * @return the network, with the same bits, to be closed by the caller
   */
  public static Network load(byte[] bytes) {
    return load(bytes, LoadOptions.defaults());
  }

  /**
   * Reads a network as {@link #load(byte[])} does, with its exceptions, within other limits.
   *
   * @param bytes all bytes of the file; not kept
   * @param options limits on what the network may ask of the machine
   * @return the network, with the same bits, to be closed by the caller
   */
  public static Network load(byte[] bytes, LoadOptions options) {
    return load(new ByteArrayInputStream(Objects.requireNonNull(bytes, "bytes")), options);
  }

  /**
   * Reads a network from a stream up to its end, piece by piece, so that only the network is held.
   * As strict as {@link #load(Path)}, with its exceptions, but memory is reserved for what the
   * header announces.
   *
   * @param stream what a model file holds, from its first byte; it is not closed
   * @return the network, with the same bits, to be closed by the caller
   */
  public static Network load(InputStream stream) {
    return load(stream, LoadOptions.defaults());
  }

  /**
   * Reads a network as {@link #load(InputStream)} does, with its exceptions, within other limits.
   *
   * @param stream what a model file holds, from its first byte; it is not closed
   * @param options limits on what the network may ask of the machine
   * @return the network, with the same bits, to be closed by the caller
   */
  public static Network load(InputStream stream, LoadOptions options) {
    Objects.requireNonNull(stream, "stream");
    return new Network(ModelStream.read(stream, Objects.requireNonNull(options, "options")));
  }

  /**
   * Plans a transfer from a file: as {@code load(file).transfer()} with all heads dropped, with the
   * exceptions of {@link #load(Path)}.
   *
   * @param file a file that {@link #save(Path)} wrote; has to stay until the plan is built
   * @return a plan without heads
   */
  public static TransferBuilder transferFrom(Path file) {
    return TransferBuilder.ofFile(file);
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
   * @throws IllegalArgumentException if a pattern matches no layer; then none acts
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public Network freeze(String... patterns) {
    parameters.freeze(false, BatchNormStatistics.KEEP, patterns);
    return this;
  }

  /**
   * Freezes layers, deciding about the statistics of the batch norms among them.
   *
   * @param pattern name or glob of layers
   * @param statistics whether running statistics still adapt
   * @return this
   * @throws IllegalArgumentException if the pattern matches no layer, or no batch norm to adapt
   */
  public Network freeze(String pattern, BatchNormStatistics statistics) {
    parameters.freeze(false, statistics, pattern);
    return this;
  }

  /**
   * Freezes a layer and everything that it is computed from; otherwise as {@link
   * #freeze(String...)}.
   *
   * @param layer name or glob
   * @return this
   */
  public Network freezeThrough(String layer) {
    parameters.freeze(true, BatchNormStatistics.KEEP, layer);
    return this;
  }

  /**
   * Freezes a layer and everything that it is computed from, deciding about the statistics of the
   * batch norms among them.
   *
   * @param layer name or glob
   * @param statistics whether running statistics still adapt
   * @return this
   * @throws IllegalArgumentException if it matches no layer, or there is no batch norm to adapt
   */
  public Network freezeThrough(String layer, BatchNormStatistics statistics) {
    parameters.freeze(true, statistics, layer);
    return this;
  }

  /**
   * Makes layers trainable again.
   *
   * @param patterns names or globs of layers, at least one
   * @return this
   * @throws IllegalArgumentException if a pattern matches no layer; then none acts
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public Network unfreeze(String... patterns) {
    parameters.unfreeze(false, patterns);
    return this;
  }

  /**
   * Makes a layer and everything that it is computed from trainable again; otherwise as {@link
   * #unfreeze}.
   *
   * @param layer name or glob
   * @return this
   */
  public Network unfreezeThrough(String layer) {
    parameters.unfreeze(true, layer);
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
    parameters.scaleRate(pattern, scale);
    return this;
  }

  /**
   * Makes a predictor of the network as it is now, as {@link #predictor(PredictorOptions)} does.
   *
   * @return the predictor, to be closed by the caller
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
    return new Predictor(handle, inputs, tasks.list(), metadata(), options);
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
    return EvaluationRun.of(this, data, OptionalDouble.empty(), Map.of());
  }

  /**
   * As {@link #evaluate(Dataset)}, with its exceptions, with one threshold for all labels instead
   * of the network's.
   *
   * @param data examples with targets, at least one example
   * @param threshold probability from which on a label counts as predicted, 0 to 1
   * @return the evaluation
   * @throws IllegalArgumentException if the threshold is out of range
   */
  public Evaluation evaluate(Dataset data, double threshold) {
    OptionalDouble checked = OptionalDouble.of(Arguments.inRange("threshold", threshold, 0, 1));
    return EvaluationRun.of(this, data, checked, Map.of());
  }

  /**
   * Makes probabilities honest: of all answers given with probability 0.8, four in five should be
   * true. The logits of each label become {@code scale * logit + bias} (Platt scaling), those of a
   * task of classes {@code scale * logit} (temperature scaling), as known answers ask for by the
   * smallest log loss, as if one more right and one more wrong one were known: a few examples that
   * are all right do not ask for certainty; no ranking and no best class changes. The output layers
   * take it up, and with them predictions, model files and further training. What stays as it is:
   * values, labels whose known answers are all the same, and where this would not lower log loss.
   * {@link CalibrationReport} says what becomes of thresholds.
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
   * without a known yes get 0.5. Has the exceptions of {@link #calibrate}, and throws {@link
   * IllegalArgumentException} if there are no targets of labels.
   *
   * @param validation examples with targets that the network was not trained on
   * @return this
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
   * @throws IllegalArgumentException if no task of labels has that name, or they do not fit it
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public Network setThresholds(String task, double... thresholds) {
    NativeCall.text(task, "task");
    double[] copy = Objects.requireNonNull(thresholds, "thresholds").clone();
    StackReserve.require();
    tasks.setThresholds(task, copy);
    return this;
  }

  /**
   * Starts the bias of a task's output layer at what its labelled entries say before any input is
   * looked at, in place of what it is. With weights of zero (a new head on a frozen backbone) a
   * prediction is then the prior itself, which helps where answers are rare or values are far from
   * 0. Call it before training a new head: {@code network.initializeBias("finding", data)}.
   *
   * <p>Labels: {@code log((y + 1) / (n - y + 1))} of each, y being the sum of its n labelled
   * entries: finite, and 0 for n = 0. Classes: {@code log(n + 1)} of n examples, less its mean over
   * the classes. Values: the mean of the labelled entries, or 0. No weights or smoothing are
   * considered.
   *
   * @param task name of the task
   * @param data what the head will be trained on; its targets are read once, its inputs not
   * @return this
   * @throws IllegalArgumentException if there is no such task, or the data set has no targets of it
   *     or some that don't fit
   * @throws ShapeException if inputs or targets have the wrong shape
   */
  public Network initializeBias(String task, Dataset data) {
    NativeCall.text(task, "task");
    Objects.requireNonNull(data, "data");
    float[] bias = PriorBias.of(tasks.list(), inputs, task, data);
    return setParameter("heads." + task + ".dense.bias", bias);
  }

  /**
   * Returns a table of the layers: name, kind, output shape, padding, parameters, training, rate.
   * Below it stands what is hardly meant, as a head on all positions of a text.
   *
   * @return lines for people
   */
  public String summary() {
    return NetworkSummary.of(layers(), handle.networkSpec());
  }

  /**
   * Returns the layers in the order of computation.
   *
   * @return backbone and heads
   */
  public List<LayerSummary> layers() {
    return Descriptions.layers(handle.get(Bridge::networkDescribe));
  }

  /**
   * Returns all parameters and buffers.
   *
   * @return paths and shapes
   */
  public List<ParameterSummary> parameters() {
    return parameters.list();
  }

  /**
   * Copies a parameter or buffer out of the network.
   *
   * @param path for example {@code "conv1.weight"}
   * @return its values, row-major, all of them finite
   * @throws IllegalArgumentException if there is none of that path
   */
  public float[] parameter(String path) {
    return parameters.read(path);
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
   */
  public Network setParameter(String path, float[] values) {
    parameters.write(path, values);
    return this;
  }

  /**
   * Returns the tasks, in the order of heads.
   *
   * @return one a head
   */
  public List<Task> tasks() {
    return tasks.list();
  }

  /**
   * Returns what this network reads.
   *
   * @return its inputs, in the order of rows of floats
   */
  public List<Input> inputs() {
    return inputs.list();
  }

  /**
   * Returns the shape of an input.
   *
   * @return the shape that the network was built for; of several inputs, a vector of all values
   */
  public Shape inputShape() {
    return inputs.shape();
  }

  /**
   * Returns the native memory that this network holds.
   *
   * @return bytes
   */
  public long nativeBytes() {
    return handle.nativeBytes();
  }

  /** {@return true after {@link #close}} */
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

  /** Returns for example {@code "Network [1, 28, 28], tasks [garment: classes [shirt, shoe]]"}. */
  @Override
  public String toString() {
    return "Network " + inputs.shape() + ", tasks " + tasks() + (isClosed() ? ", closed" : "");
  }

  NetworkInputs networkInputs() {
    return inputs;
  }

  NetworkTasks networkTasks() {
    return tasks;
  }

  @Override
  NativeHandle handle() {
    return handle;
  }
}
