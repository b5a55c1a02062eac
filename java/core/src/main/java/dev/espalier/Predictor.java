// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.Bridge;
import dev.espalier.internal.JsonWriter;
import dev.espalier.internal.NativeErrors;
import dev.espalier.internal.NativeHandle;
import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Runs a network for serving; made by {@link Network#predictor()}. A snapshot: training, changing
 * or closing the network changes nothing here.
 *
 * <p>Outputs of all heads lie side by side in the order of {@link #tasks()}: probabilities by
 * sigmoid (labels) and softmax (classes), values as they are; or logits, if asked for. One example
 * gets the same bits alone and at any place of any batch. Inputs that are NaN or infinite are no
 * error; they spread to that example's outputs.
 *
 * <p><b>Threads.</b> Immutable; any number of threads may predict, and close, at the same time. A
 * call that runs while another thread closes finishes normally.
 */
public final class Predictor implements AutoCloseable {
  /** Input values that {@link #predictAll} reads at a time: 1 MiB. */
  private static final int CHUNK_VALUES = 1 << 18;

  private final NativeHandle handle;
  private final Shape inputShape;
  private final List<Task> tasks;
  private final int inputSize;
  private final int outputSize;

  Predictor(NativeHandle network, Shape inputShape, List<Task> tasks, PredictorOptions options) {
    String json =
        JsonWriter.write(
            Map.of("max_batch_size", options.maxBatchSize(), "logits", options.isLogits()));
    this.inputShape = inputShape;
    this.tasks = tasks;
    inputSize = inputShape.size();
    outputSize = tasks.stream().mapToInt(Task::width).sum();
    handle = network.get(id -> NativeHandle.create(() -> Bridge.predictorCreate(id, json)));
  }

  /**
   * Predicts for one example, or for several one after the other.
   *
   * @param inputs {@code [batch, input shape]}, row-major; not kept
   * @return {@code [batch, outputSize()]}, a new array
   * @throws ShapeException if the length is not a multiple of {@link #inputSize()}, at least one
   * @throws IllegalStateException if this predictor is closed
   */
  public float[] predict(float[] inputs) {
    int batch = batch(Objects.requireNonNull(inputs, "inputs").length);
    float[] outputs = new float[outputLength(batch)];
    predictArrays(batch, inputs, outputs);
    return outputs;
  }

  /**
   * Predicts into an array of the caller.
   *
   * @param inputs {@code [batch, input shape]}, row-major; not kept
   * @param outputs {@code [batch, outputSize()]}, overwritten; of exactly that length
   * @throws ShapeException if a length does not fit
   * @throws IllegalStateException if this predictor is closed
   */
  public void predict(float[] inputs, float[] outputs) {
    int batch = batch(Objects.requireNonNull(inputs, "inputs").length);
    requireOutputs(batch, Objects.requireNonNull(outputs, "outputs").length);
    predictArrays(batch, inputs, outputs);
  }

  /**
   * Predicts from buffer to buffer: allocates nothing and copies nothing. Reads all remaining
   * inputs; writes from the position of {@code outputs} on. Positions stay as they are.
   *
   * @param inputs direct, in native byte order; {@code [batch, input shape]} remaining
   * @param outputs direct, in native byte order, not read-only; room for {@code [batch,
   *     outputSize()]}
   * @throws IllegalArgumentException if a buffer is not direct or not in native byte order, or
   *     {@code outputs} is read-only
   * @throws ShapeException if the remaining lengths do not fit
   * @throws IllegalStateException if this predictor is closed
   */
  public void predict(FloatBuffer inputs, FloatBuffer outputs) {
    Arguments.directNative("inputs", inputs);
    Arguments.directNative("outputs", outputs);
    if (outputs.isReadOnly()) {
      throw new IllegalArgumentException("outputs: expected a buffer that can be written");
    }
    // Each position and limit is read once: another thread may move them meanwhile.
    int inputPosition = inputs.position();
    int inputLength = inputs.limit() - inputPosition;
    int outputPosition = outputs.position();
    int outputLength = outputs.limit() - outputPosition;
    int batch = batch(inputLength);
    if (outputLength < (long) batch * outputSize) {
      throw new ShapeException(
          "outputs: expected room for "
              + batch
              + " x "
              + outputSize
              + " values, got "
              + outputLength);
    }
    try {
      predictAt(
          batch,
          Bridge.bufferAddress(inputs) + (long) Float.BYTES * inputPosition,
          Bridge.bufferAddress(outputs) + (long) Float.BYTES * outputPosition);
    } finally {
      Reference.reachabilityFence(inputs);
      Reference.reachabilityFence(outputs);
    }
  }

  /**
   * Predicts for one example and answers by names.
   *
   * @param input {@code [input shape]}, row-major; not kept
   * @return the answers
   * @throws ShapeException if the length is not {@link #inputSize()}
   * @throws IllegalStateException if this predictor is closed
   */
  public Prediction predictTasks(float[] input) {
    if (Objects.requireNonNull(input, "input").length != inputSize) {
      throw new ShapeException(
          "input: expected " + inputSize + " values for " + inputShape + ", got " + input.length);
    }
    return new Prediction(tasks, predict(input));
  }

  /**
   * Predicts for all examples of a data set, in batches; its targets are not read.
   *
   * @param data whose input size is that of the network
   * @return {@code [data.size()][outputSize()]}
   * @throws ShapeException if the input sizes differ
   * @throws IllegalStateException if this predictor is closed
   */
  public float[][] predictAll(Dataset data) {
    TargetBinding.requireInput(inputShape, data);
    float[][] outputs = new float[data.size()][];
    int chunk = Math.max(1, Math.min(CHUNK_VALUES / inputSize, outputs.length));
    for (int first = 0; first < outputs.length; first += chunk) {
      int count = Math.min(chunk, outputs.length - first);
      float[] inputs = new float[count * inputSize];
      for (int k = 0; k < count; k++) {
        data.readInput(first + k, inputs, k * inputSize);
      }
      float[] rows = predict(inputs);
      for (int k = 0; k < count; k++) {
        outputs[first + k] = Arrays.copyOfRange(rows, k * outputSize, (k + 1) * outputSize);
      }
    }
    return outputs;
  }

  /**
   * Returns the number of values of one input.
   *
   * @return size of the input shape
   */
  public int inputSize() {
    return inputSize;
  }

  /**
   * Returns the number of values of one output.
   *
   * @return total width of all tasks
   */
  public int outputSize() {
    return outputSize;
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
   * Returns the tasks in the order of the outputs.
   *
   * @return one a head
   */
  public List<Task> tasks() {
    return tasks;
  }

  /**
   * Describes the plan: instruction set, layers after fusion, memory.
   *
   * @return text for people
   * @throws IllegalStateException if this predictor is closed
   */
  public String describe() {
    return handle.get(Bridge::predictorDescribe);
  }

  /**
   * Returns the native memory that this predictor holds.
   *
   * @return bytes
   * @throws IllegalStateException if this predictor is closed
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

  /** Frees the native memory once no call runs any more. Never waits; further calls do nothing. */
  @Override
  public void close() {
    handle.close();
  }

  /** Predicts between addresses whose memory the caller keeps reachable. */
  void predictAt(int batch, long inputs, long outputs) {
    try {
      Bridge.predictorPredict(handle.id(), batch, inputs, outputs);
    } catch (RuntimeException error) {
      throw NativeErrors.translate(error);
    } finally {
      Reference.reachabilityFence(handle);
    }
  }

  private void predictArrays(int batch, float[] inputs, float[] outputs) {
    try {
      Bridge.predictorPredictArray(handle.id(), batch, inputs, outputs);
    } catch (RuntimeException error) {
      throw NativeErrors.translate(error);
    } finally {
      Reference.reachabilityFence(handle);
    }
  }

  private int batch(int length) {
    if (length == 0 || length % inputSize != 0) {
      throw new ShapeException(
          "inputs: expected a multiple of "
              + inputSize
              + " values for "
              + inputShape
              + ", got "
              + length);
    }
    return length / inputSize;
  }

  private int outputLength(int batch) {
    long length = (long) batch * outputSize;
    if (length > Integer.MAX_VALUE - 8) {
      throw new ShapeException(
          "inputs: expected a batch whose outputs fit an array, got " + batch + " examples");
    }
    return (int) length;
  }

  private void requireOutputs(int batch, int length) {
    if (length != (long) batch * outputSize) {
      throw new ShapeException(
          "outputs: expected " + batch + " x " + outputSize + " values, got " + length);
    }
  }
}
