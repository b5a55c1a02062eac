// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.service;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.espalier.Instrument;
import dev.espalier.Network;
import dev.espalier.Task;
import dev.espalier.service.Engine;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;

/**
 * ONNX Runtime in the same service: one session, one thread a request, tensors over direct buffers
 * that requests take from a pool.
 */
final class OnnxRuntimeEngine implements Engine, Engine.Model {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final List<Task> tasks;
  private final int inputSize;
  private final int outputSize;
  private final ConcurrentLinkedQueue<Tensors> pool = new ConcurrentLinkedQueue<>();

  OnnxRuntimeEngine(Path model) throws OrtException {
    Path onnx = Path.of(model + ".onnx");
    try (Network network = Network.load(model)) {
      tasks = network.tasks();
      inputSize = network.inputShape().size();
      network.exportOnnx(onnx);
    }
    outputSize = tasks.stream().mapToInt(Task::width).sum();
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(1);
    options.setInterOpNumThreads(1);
    session = environment.createSession(onnx.toString(), options);
  }

  /** What one request needs. */
  private final class Tensors {
    final FloatBuffer input = direct(inputSize);
    final FloatBuffer output = direct(outputSize);
    final Map<String, OnnxTensor> inputs;
    final Map<String, OnnxValue> outputs;

    Tensors() throws OrtException {
      inputs =
          Map.of("input", OnnxTensor.createTensor(environment, input, new long[] {1, inputSize}));
      outputs =
          Map.of(
              tasks.get(0).name(),
              OnnxTensor.createTensor(environment, output, new long[] {1, outputSize}));
    }
  }

  private static FloatBuffer direct(int size) {
    return ByteBuffer.allocateDirect(Float.BYTES * size)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  @Override
  public <R> R answer(Function<Model, R> request) {
    return request.apply(this);
  }

  @Override
  public int inputSize() {
    return inputSize;
  }

  @Override
  public List<Task> tasks() {
    return tasks;
  }

  @Override
  public Answer predict(float[] input) {
    try {
      Tensors tensors = pool.poll();
      if (tensors == null) {
        tensors = new Tensors();
      }
      tensors.input.put(0, input);
      session.run(tensors.inputs, tensors.outputs).close();
      float[] values = new float[outputSize];
      tensors.output.get(0, values);
      pool.add(tensors);
      return new Answer(tasks, values);
    } catch (OrtException error) {
      throw new IllegalStateException(error);
    }
  }

  @Override
  public Answer predictPixels(byte[] pixels) {
    float[] input = new float[pixels.length];
    for (int i = 0; i < input.length; i++) {
      input[i] = (pixels[i] & 0xff) * (1f / 255f);
    }
    return predict(input);
  }

  @Override
  public void reload() {
    throw new IllegalStateException("serves one model");
  }

  @Override
  public String describe() {
    return "ONNX Runtime " + environment.getVersion();
  }

  @Override
  public List<Instrument> instruments() {
    return List.of();
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException error) {
      throw new IllegalStateException(error);
    }
  }
}
