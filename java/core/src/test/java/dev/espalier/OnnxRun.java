// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A model in ONNX Runtime, fed with what a predictor takes. */
final class OnnxRun implements AutoCloseable {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;

  OnnxRun(Path model) throws OrtException {
    this(model, OrtSession.SessionOptions.OptLevel.ALL_OPT);
  }

  OnnxRun(Path model, OrtSession.SessionOptions.OptLevel level) throws OrtException {
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    options.setOptimizationLevel(level);
    session = environment.createSession(model.toString(), options);
  }

  OrtSession session() {
    return session;
  }

  /** Returns true if an input's first dimension is of any size. */
  boolean hasFreeLength() throws OrtException {
    return session.getInputInfo().values().stream()
        .anyMatch(input -> ((TensorInfo) input.getInfo()).getShape()[1] < 0);
  }

  /**
   * Runs rows of all inputs side by side; {@code positions} is the first dimension of the inputs
   * whose length is free, less than the network's or as long.
   */
  Map<String, float[]> run(List<Input> inputs, float[] rows, int batch, int positions)
      throws OrtException {
    int size = inputs.stream().mapToInt(input -> input.shape().size()).sum();
    Map<String, OnnxTensor> tensors = new LinkedHashMap<>();
    try {
      int offset = 0;
      for (Input input : inputs) {
        if (session.getInputNames().contains(input.name())) {
          tensors.put(input.name(), tensor(input, rows, batch, positions, size, offset));
        }
        offset += input.shape().size();
      }
      Map<String, float[]> outputs = new LinkedHashMap<>();
      try (OrtSession.Result result = session.run(tensors)) {
        for (String name : session.getOutputNames()) {
          FloatBuffer values = ((OnnxTensor) result.get(name).orElseThrow()).getFloatBuffer();
          float[] copy = new float[values.remaining()];
          values.get(copy);
          outputs.put(name, copy);
        }
      }
      return outputs;
    } finally {
      tensors.values().forEach(OnnxTensor::close);
    }
  }

  private OnnxTensor tensor(
      Input input, float[] rows, int batch, int positions, int size, int offset)
      throws OrtException {
    TensorInfo info = (TensorInfo) session.getInputInfo().get(input.name()).getInfo();
    long[] shape = info.getShape().clone();
    shape[0] = batch;
    int count = input.shape().size();
    if (shape[1] < 0) {
      shape[1] = positions;
      count = count / input.shape().dims()[0] * positions;
    }
    FloatBuffer floats = FloatBuffer.allocate(batch * count);
    LongBuffer integers = LongBuffer.allocate(batch * count);
    for (int i = 0; i < batch; i++) {
      for (int k = 0; k < count; k++) {
        floats.put(rows[i * size + offset + k]);
        integers.put((long) rows[i * size + offset + k]);
      }
    }
    return input.isInteger()
        ? OnnxTensor.createTensor(environment, integers.flip(), shape)
        : OnnxTensor.createTensor(environment, floats.flip(), shape);
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
