// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.peers;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.espalier.bench.Contender;
import dev.espalier.bench.Work;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.util.Map;

/**
 * ONNX Runtime in the form in which it is fastest from Java: one session, input and output tensors
 * over direct buffers made once, all graph optimizations (its default), threads that spin as by
 * default.
 */
public final class OnnxRuntimeContender implements Contender {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final boolean isInt8;
  private int threads;

  /**
   * Makes the contender.
   *
   * @param name "ort", or "ort-int8", which only runs models that were published in 8 bits
   */
  public OnnxRuntimeContender(String name) {
    isInt8 = name.equals("ort-int8");
  }

  @Override
  public String version() {
    return "ONNX Runtime " + environment.getVersion();
  }

  @Override
  public void threads(int count) {
    threads = count;
  }

  @Override
  public Prediction prediction(Work work, int batch) throws IOException {
    try {
      OrtSession.SessionOptions options = new OrtSession.SessionOptions();
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      OrtSession session = environment.createSession(model(work), options);
      if (work.readsStrings()) {
        return new StringsPrediction(new OnnxSentences(session, work.tokenizer()), work, batch);
      }
      if (work.isPublished()) {
        return new PublishedPrediction(environment, session, work, batch);
      }
      long[] shape = shape(session.getInputInfo(), batch);
      int values = 1;
      for (long size : shape) {
        values *= (int) size;
      }
      return new TensorPrediction(environment, session, shape, work.inputBuffer(values), true);
    } catch (OrtException error) {
      throw new IOException(error);
    }
  }

  @Override
  public double load(Work work) throws IOException {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      long start = System.nanoTime();
      environment.createSession(model(work), options).close();
      return (System.nanoTime() - start) * 1e-9;
    } catch (OrtException error) {
      throw new IOException(error);
    }
  }

  private String model(Work work) {
    if (isInt8 && !Files.exists(work.int8Onnx())) {
      throw new UnsupportedOperationException("no model in 8 bits was published");
    }
    return (isInt8 ? work.int8Onnx() : work.onnx()).toString();
  }

  private static long[] shape(Map<String, NodeInfo> nodes, int batch) {
    long[] shape = ((TensorInfo) nodes.values().iterator().next().getInfo()).getShape().clone();
    shape[0] = batch;
    return shape;
  }

  private static final class TensorPrediction implements Prediction {
    private final OrtEnvironment environment;
    private final OrtSession session;
    private final long[] shape;
    private final FloatBuffer input;
    private final FloatBuffer output;
    private final boolean isOwner;
    private final Map<String, OnnxTensor> inputs;
    private final Map<String, OnnxValue> outputs;

    TensorPrediction(
        OrtEnvironment environment,
        OrtSession session,
        long[] shape,
        FloatBuffer input,
        boolean isOwner)
        throws OrtException {
      this.environment = environment;
      this.session = session;
      this.shape = shape;
      this.input = input;
      this.isOwner = isOwner;
      long[] outputShape = shape(session.getOutputInfo(), (int) shape[0]);
      output = Work.directBuffer((int) (outputShape[0] * outputShape[1]));
      inputs =
          Map.of(
              session.getInputNames().iterator().next(),
              OnnxTensor.createTensor(environment, input, shape));
      outputs =
          Map.of(
              session.getOutputNames().iterator().next(),
              OnnxTensor.createTensor(environment, output, outputShape));
    }

    @Override
    public void run() {
      try (OrtSession.Result result = session.run(inputs, outputs)) {
        if (result.size() != 1) {
          throw new IllegalStateException("expected one output");
        }
      } catch (OrtException error) {
        throw new IllegalStateException(error);
      }
    }

    @Override
    public float[] outputs() {
      float[] values = new float[output.capacity()];
      output.get(0, values);
      return values;
    }

    @Override
    public Prediction sharing() {
      try {
        FloatBuffer copy = Work.directBuffer(input.capacity()).put(input.duplicate()).flip();
        return new TensorPrediction(environment, session, shape, copy, false);
      } catch (OrtException error) {
        throw new IllegalStateException(error);
      }
    }

    @Override
    public void close() {
      inputs.values().forEach(OnnxTensor::close);
      outputs.values().forEach(OnnxValue::close);
      if (isOwner) {
        try {
          session.close();
        } catch (OrtException error) {
          throw new IllegalStateException(error);
        }
      }
    }
  }
}
