// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.Bridge;
import dev.espalier.internal.FlightRecording;
import dev.espalier.internal.JsonWriter;
import dev.espalier.internal.NativeHandle;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Runs a network for serving. From a file, and nothing else to be closed:
 *
 * <pre>{@code
 * try (Predictor predictor = Predictor.load(Path.of("model.safetensors"))) {
 *   Prediction prediction = predictor.predictNamed(input);
 * }
 * }</pre>
 *
 * <p>Or by {@link Network#predictor()}, as a snapshot: training, changing or closing the network
 * changes nothing here.
 *
 * <p>Outputs of all heads lie side by side in the order of {@link #tasks()}: probabilities by
 * sigmoid (labels) and softmax (classes), values as they are; or logits, if asked for. One example
 * gets the same bits alone and at any place of any batch. Inputs that are NaN or infinite are no
 * error; they spread to that example's outputs.
 *
 * <p><b>Threads.</b> Immutable; any number of threads may predict, and close, at the same time. A
 * call that runs while another thread closes finishes normally.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Predictor extends PredictorFiles implements AutoCloseable {
  /** Calls by which the virtual machine learns the way to native code; it compiles it meanwhile. */
  private static final int WARM_UP_CALLS = 300;

  private static volatile boolean isWarm;

  private final NativeHandle handle;
  private final PredictorCalls calls;
  private final NetworkInputs inputs;
  private final Shape inputShape;
  private final List<Task> tasks;
  private final Map<String, String> metadata;
  private final LayerOutputs layers;
  private final int inputSize;
  private final int outputSize;
  private final PredictorOptions options;

  /** Of the tasks that the options choose from those of the network. */
  Predictor(
      NativeHandle network,
      NetworkInputs inputs,
      List<Task> tasks,
      Map<String, String> metadata,
      PredictorOptions options) {
    this(create(network, options), options, inputs, options.chosen(tasks), metadata);
  }

  /** Owns a native predictor, also where this fails. */
  private Predictor(
      NativeHandle handle,
      PredictorOptions options,
      NetworkInputs inputs,
      List<Task> tasks,
      Map<String, String> metadata) {
    this.handle = handle;
    this.options = options;
    this.inputs = inputs;
    this.tasks = tasks;
    this.metadata = metadata;
    inputShape = inputs.shape();
    inputSize = inputShape.size();
    calls = new PredictorCalls(handle);
    try {
      layers = LayerOutputs.of(handle, options.layers());
      int width = 0; // without a stream: the first one in a process takes milliseconds
      for (Task task : tasks) {
        width += task.width();
      }
      outputSize = Math.addExact(width, layers.size());
      if (!isWarm) {
        warmUp();
      }
    } catch (RuntimeException | Error error) {
      handle.close();
      throw error;
    }
  }

  private static NativeHandle create(NativeHandle network, PredictorOptions options) {
    String json =
        JsonWriter.write(
            Map.ofEntries(
                Map.entry("max_batch_size", options.maxBatchSize()),
                Map.entry("logits", options.isLogits()),
                Map.entry("heads", options.heads()),
                Map.entry("layers", options.layers()),
                Map.entry("threads", options.threads().orElse(0)),
                Map.entry("pixel_scale", options.pixelScale()),
                Map.entry("pixel_offset", options.pixelOffset()),
                Map.entry("precision", options.precision().key()),
                Map.entry("keep_float", options.keepFloat()),
                Map.entry("weight_copies", options.weightCopies().orElse(0)),
                Map.entry("other_shapes", options.otherShapes())));
    return FlightRecording.isInUse()
        ? FlightRecording.predictorCompile(json, () -> network.createPredictor(json))
        : network.createPredictor(json);
  }

  /**
   * Loads classes and links native functions, so that no first call has to; native code has run
   * already when the predictor was made.
   */
  private void warmUp() {
    ByteBuffer bytes = DirectMemory.allocate(1, "warm-up");
    FloatBuffer buffer = bytes.asFloatBuffer();
    for (int i = 0; i < WARM_UP_CALLS; i++) {
      calls.predictBuffers(0, buffer, 0, buffer, 0);
    }
    calls.predictArrays(0, new float[1], new float[1]);
    if (inputs.takesPixels()) { // others leave that to a predictor that does
      calls.predictPixelBuffers(0, bytes, 0, buffer, 0);
      calls.predictPixelArrays(0, new byte[1], new float[1]);
      isWarm = true;
    }
  }

  /**
   * Predicts for one example, or for several one after the other.
   *
   * @param inputs {@code [batch, input shape]}, row-major; not kept
   * @return {@code [batch, outputSize()]}, a new array
   * @throws ShapeException if the length is not a multiple of {@link #inputSize()}, at least one
   * @throws ClosedException if this predictor is closed
   */
  public float[] predict(float[] inputs) {
    int batch = batch(Objects.requireNonNull(inputs, "inputs").length);
    float[] outputs = new float[ExampleCounts.outputLength(batch, outputSize)];
    calls.predictArrays(batch, inputs, outputs);
    return outputs;
  }

  /**
   * Predicts into an array of the caller.
   *
   * @param inputs {@code [batch, input shape]}, row-major; not kept
   * @param outputs {@code [batch, outputSize()]}, overwritten; of exactly that length
   * @throws ShapeException if a length does not fit
   * @throws ClosedException if this predictor is closed
   */
  public void predict(float[] inputs, float[] outputs) {
    int batch = batch(Objects.requireNonNull(inputs, "inputs").length);
    ExampleCounts.requireOutputs(
        batch, outputSize, Objects.requireNonNull(outputs, "outputs").length);
    calls.predictArrays(batch, inputs, outputs);
  }

  /**
   * Predicts from buffer to buffer: allocates nothing and copies nothing. Reads all remaining
   * inputs; writes from the position of {@code outputs} on. Positions stay as they are. The buffers
   * must not overlap, and memory of an arena must not be freed while the call runs. A file mapped
   * into memory must not be cut off meanwhile: that ends the process.
   *
   * @param inputs direct, in native byte order; {@code [batch, input shape]} remaining
   * @param outputs direct, in native byte order, not read-only; room for {@code [batch,
   *     outputSize()]}, none of it among the inputs
   * @throws IllegalArgumentException if a buffer is not direct or not in native byte order, or
   *     {@code outputs} is read-only
   * @throws ShapeException if the remaining lengths do not fit
   * @throws ClosedException if this predictor is closed
   * @throws IllegalStateException if a buffer's memory is freed
   */
  public void predict(FloatBuffer inputs, FloatBuffer outputs) {
    Arguments.directNative("inputs", inputs);
    // Each position and limit is read once: another thread may move them meanwhile.
    int inputPosition = inputs.position();
    int batch = batch(inputs.limit() - inputPosition);
    inputs.get(inputPosition); // fails if an arena has freed the memory; native code would crash
    int outputPosition = ExampleCounts.outputPosition(batch, outputSize, outputs);
    calls.predictBuffers(batch, inputs, inputPosition, outputs, outputPosition);
  }

  /**
   * Predicts from pixels of a byte each, 0 to 255 (Java's negative bytes stand for 128 to 255), for
   * one example or for several one after the other. The answers have the bits of those to the
   * floats {@code pixel * scale + offset}, both from {@link PredictorOptions#pixels}.
   *
   * @param pixels {@code [batch, input shape]}, row-major; not kept
   * @return {@code [batch, outputSize()]}, a new array
   * @throws ShapeException if the length is not a multiple of {@link #inputSize()}, at least one
   * @throws ClosedException if this predictor is closed
   */
  public float[] predictPixels(byte[] pixels) {
    int batch = batch(Objects.requireNonNull(pixels, "pixels").length);
    float[] outputs = new float[ExampleCounts.outputLength(batch, outputSize)];
    calls.predictPixelArrays(batch, pixels, outputs);
    return outputs;
  }

  /**
   * Predicts from pixels of a byte each as {@link #predictPixels(byte[])} does, from buffer to
   * buffer: allocates nothing and copies nothing. Reads all remaining pixels; writes from the
   * position of {@code outputs} on. Positions stay as they are. The buffers must not overlap, and
   * memory of an arena must not be freed while the call runs. A file mapped into memory must not be
   * cut off meanwhile: that ends the process.
   *
   * @param pixels direct; {@code [batch, input shape]} remaining
   * @param outputs direct, in native byte order, not read-only; room for {@code [batch,
   *     outputSize()]}, none of it among the inputs
   * @throws IllegalArgumentException if a buffer is not direct, or {@code outputs} is not in native
   *     byte order or read-only
   * @throws ShapeException if the remaining lengths do not fit
   * @throws ClosedException if this predictor is closed
   * @throws IllegalStateException if a buffer's memory is freed
   */
  public void predictPixels(ByteBuffer pixels, FloatBuffer outputs) {
    Arguments.direct("pixels", pixels);
    int pixelPosition = pixels.position();
    int batch = batch(pixels.limit() - pixelPosition);
    pixels.get(pixelPosition); // as for floats
    int outputPosition = ExampleCounts.outputPosition(batch, outputSize, outputs);
    calls.predictPixelBuffers(batch, pixels, pixelPosition, outputs, outputPosition);
  }

  /**
   * Predicts for one example and answers by names.
   *
   * @param input {@code [input shape]}, row-major; not kept
   * @return the answers
   * @throws ShapeException if the length is not {@link #inputSize()}
   * @throws ClosedException if this predictor is closed
   */
  public Prediction predictNamed(float[] input) {
    ExampleCounts.requireOne(Objects.requireNonNull(input, "input").length, inputSize, inputShape);
    return new Prediction(tasks, layers, predict(input), isLogits());
  }

  /**
   * Predicts for one example of a network with several inputs and answers by names; {@code
   * .outputs()} of the answer are those of {@link #predict(float[])}.
   *
   * @param values what the example has for each input; not kept
   * @return the answers
   * @throws IllegalArgumentException if they are of other inputs, or not whole where the network
   *     reads integers
   * @throws ShapeException if an input has another number of values
   * @throws ClosedException if this predictor is closed
   */
  public Prediction predictNamed(InputValues values) {
    return predictNamed(Objects.requireNonNull(values, "values").row(inputs));
  }

  /**
   * Predicts for one example from pixels of a byte each, as {@link #predictPixels(byte[])} does,
   * and answers by names.
   *
   * @param pixels {@code [input shape]}, row-major; not kept
   * @return the answers
   * @throws ShapeException if the length is not {@link #inputSize()}
   * @throws ClosedException if this predictor is closed
   */
  public Prediction predictNamed(byte[] pixels) {
    ExampleCounts.requireOne(
        Objects.requireNonNull(pixels, "pixels").length, inputSize, inputShape);
    return new Prediction(tasks, layers, predictPixels(pixels), isLogits());
  }

  /**
   * Gives outputs of any form of prediction their names: those of a batch, or what a {@link
   * BatchingPredictor} answered. Works when this predictor is closed, too.
   *
   * @param outputs {@code [batch, outputSize()]} as this predictor, or one like it, wrote them; not
   *     kept
   * @return the answers to each example
   * @throws ShapeException if the length is not a multiple of {@link #outputSize()}
   */
  public List<Prediction> named(float[] outputs) {
    if (Objects.requireNonNull(outputs, "outputs").length % outputSize != 0) {
      throw new ShapeException(
          "outputs: expected a multiple of " + outputSize + " values, got " + outputs.length);
    }
    List<Prediction> predictions = new ArrayList<>();
    for (int first = 0; first < outputs.length; first += outputSize) {
      float[] row = Arrays.copyOfRange(outputs, first, first + outputSize);
      predictions.add(new Prediction(tasks, layers, row, isLogits()));
    }
    return predictions;
  }

  /**
   * Predicts for all examples of a data set, in batches; its targets are not read.
   *
   * @param data whose input size is that of the network
   * @return {@code [data.size()][outputSize()]}
   * @throws ShapeException if the input sizes differ
   * @throws ClosedException if this predictor is closed
   */
  public float[][] predict(Dataset data) {
    inputs.require("data", Objects.requireNonNull(data, "data"));
    return DatasetPredictions.of(this, data);
  }

  /**
   * Makes a data set of what this predictor makes of another's inputs, to train any network on: of
   * features, where it computes a layer ({@link PredictorOptions#layers}). Each example is computed
   * when it is read, so what is random per epoch stays so; {@link FeatureCache#features} computes
   * each once.
   *
   * @param data whose inputs are those of the network
   * @return a view of it with inputs of the layer's shape, or a vector where there are several
   *     outputs; targets stay, and it is stable if the data set is. Reading it takes an open
   *     predictor
   * @throws ShapeException if the inputs differ
   */
  public Dataset features(Dataset data) {
    inputs.require("data", Objects.requireNonNull(data, "data"));
    return new PredictedDataset(data, this, outputShape());
  }

  /** Returns the shape of the only layer that is computed, else a vector of all outputs. */
  Shape outputShape() {
    boolean isLayer = tasks.isEmpty() && layers.shapes().size() == 1;
    return isLayer ? layers.shapes().get(0) : Shape.vector(outputSize);
  }

  /**
   * Returns a predictor of the same network for an input of another shape, say larger images, where
   * its layers take them: convolutions and pooling over the whole image do.
   *
   * <pre>{@code
   * try (Predictor any = network.predictor(PredictorOptions.defaults().otherShapes(8))) {
   *   try (Predictor wide = any.forShape(Shape.image(3, 48, 320))) {
   *     float[] answer = wide.predict(image);
   *   }
   * }
   * }</pre>
   *
   * <p>The bits are those of a predictor of {@link Network#transfer} with that {@link
   * TransferBuilder#inputShape(Shape) shape}. The first call with a shape compiles a plan, in
   * milliseconds; plans of the {@link PredictorOptions#otherShapes} shapes that were asked for last
   * are kept. What is returned works when this predictor is closed, too. Any number of threads.
   *
   * @param shape of the only input
   * @return a predictor, to be closed by the caller; that does not discard the plan
   * @throws ShapeException if a layer does not take it
   * @throws IllegalArgumentException if it takes more than the {@link LoadOptions} of the model
   * @throws IllegalStateException without {@code otherShapes}, or if this comes from {@code
   *     forShape} itself
   * @throws NativeMemoryException if the memory budget is too small
   * @throws ClosedException if this predictor is closed
   */
  public Predictor forShape(Shape shape) {
    String json = Arrays.toString(Objects.requireNonNull(shape, "shape").dims());
    NativeHandle sized =
        NativeHandle.create(() -> handle.getLong(id -> Bridge.predictorForShape(id, json)));
    return new Predictor(sized, options, inputs.withShape(shape), tasks, metadata);
  }

  /**
   * Returns what the network reads.
   *
   * @return its inputs; {@link #predict(float[])} takes them one after another, in this order
   */
  public List<Input> inputs() {
    return inputs.list();
  }

  /**
   * Returns the number of values of one example.
   *
   * @return size of the input shape
   */
  public int inputSize() {
    return inputSize;
  }

  /**
   * Returns the number of values of one output.
   *
   * @return total width of all tasks, and of the {@link PredictorOptions#layers layers}
   */
  public int outputSize() {
    return outputSize;
  }

  /**
   * Returns the shape of an input.
   *
   * @return the shape that the network was built for; of several inputs, a vector of all values
   */
  public Shape inputShape() {
    return inputShape;
  }

  /**
   * Returns the tasks in the order of the outputs.
   *
   * @return one a head
   */
  public List<Task> tasks() {
    return tasks;
  }

  /**
   * Returns what the owner of the network keeps with it ({@link Network#setMetadata}).
   *
   * @return texts by key, in the order of keys, as they were when this predictor was made
   */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** Returns true if outputs are logits. */
  boolean isLogits() {
    return options.isLogits();
  }

  /** Returns what pixels are multiplied by. */
  float pixelScale() {
    return options.pixelScale();
  }

  /** Returns what is added to pixels once they are scaled. */
  float pixelOffset() {
    return options.pixelOffset();
  }

  /**
   * Describes the plan: instruction set, memory, layers after fusion with their kernels, how pixels
   * are read.
   *
   * @return text for people
   * @throws ClosedException if this predictor is closed
   */
  public String describe() {
    return handle.get(Bridge::predictorDescribe);
  }

  /**
   * Returns what this predictor has done since it was made.
   *
   * @return a snapshot
   * @throws ClosedException if this predictor is closed
   */
  public PredictorStatistics statistics() {
    long[] counts = new long[4];
    handle.run(id -> Bridge.predictorStatistics(id, counts));
    return new PredictorStatistics(
        counts[0], counts[1], counts[2], counts[3], handle.nativeBytes());
  }

  /**
   * Returns the figures of {@link #statistics()} for monitoring. Each predictor counts from 0 on:
   * whoever replaces one by another adds their counters up, or tells them apart by a tag.
   *
   * @return counters and a gauge, whose names begin with {@code "espalier.predictor."}; NaN once
   *     this predictor is closed
   */
  public List<Instrument> instruments() {
    return PredictorStatistics.instruments(this::statistics);
  }

  /**
   * Returns the native memory that this predictor holds.
   *
   * @return bytes
   * @throws ClosedException if this predictor is closed
   */
  public long nativeBytes() {
    return handle.nativeBytes();
  }

  /**
   * Returns whether this predictor is closed.
   *
   * @return true after {@link #close}
   */
  public boolean isClosed() {
    return handle.isClosed();
  }

  /** Returns the input's shape and the tasks; works when this predictor is closed, too. */
  @Override
  public String toString() {
    return "Predictor[" + inputShape + " to " + tasks + (isClosed() ? ", closed]" : "]");
  }

  /** Frees the native memory once no call runs any more. Never waits; further calls do nothing. */
  @Override
  public void close() {
    handle.close();
  }

  /** Predicts between addresses whose memory the caller keeps reachable. */
  void predictAt(int batch, long inputs, long outputs) {
    calls.predictAt(batch, inputs, outputs);
  }

  private int batch(int length) {
    return ExampleCounts.of(length, inputSize, inputShape);
  }
}
