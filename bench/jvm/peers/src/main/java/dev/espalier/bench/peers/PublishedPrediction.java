// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.peers;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.espalier.Shape;
import dev.espalier.bench.Contender;
import dev.espalier.bench.PublishedModels;
import dev.espalier.bench.Work;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A published model, over tensors that are made once. */
final class PublishedPrediction implements Contender.Prediction {
  private final OrtSession session;
  private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
  private final Map<String, OnnxValue> outputs = new LinkedHashMap<>();
  private final List<FloatBuffer> answers = new ArrayList<>();

  PublishedPrediction(OrtEnvironment environment, OrtSession session, Work work, int batch)
      throws IOException, OrtException {
    this.session = session;
    if (work.isText()) {
      addTexts(environment, work, batch);
    } else {
      Shape image = PublishedModels.image(work);
      int[] dims = image.dims();
      long[] shape = {batch, dims[0], dims[1], dims[2]};
      String name = session.getInputNames().iterator().next();
      FloatBuffer values = work.inputBuffer(batch * image.size());
      inputs.put(name, OnnxTensor.createTensor(environment, values, shape));
    }
    try (OrtSession.Result first = session.run(inputs)) { // the shapes of what it makes
      for (String name : session.getOutputNames()) {
        OnnxTensor tensor = (OnnxTensor) first.get(name).orElseThrow();
        FloatBuffer answer = Work.directBuffer(tensor.getFloatBuffer().remaining());
        answers.add(answer);
        outputs.put(
            name, OnnxTensor.createTensor(environment, answer, tensor.getInfo().getShape()));
      }
    }
  }

  private void addTexts(OrtEnvironment environment, Work work, int batch)
      throws IOException, OrtException {
    int length = work.positions();
    float[] rows = work.inputs(batch * (2 * length + 1));
    LongBuffer ids = longs(batch * length);
    LongBuffer mask = longs(batch * length);
    LongBuffer types = longs(batch * length);
    for (int i = 0; i < batch; i++) {
      for (int k = 0; k < length; k++) {
        ids.put((long) rows[i * (2 * length + 1) + k]);
        mask.put(1);
        types.put(0);
      }
    }
    long[] shape = {batch, length};
    inputs.put("input_ids", OnnxTensor.createTensor(environment, ids.flip(), shape));
    inputs.put("attention_mask", OnnxTensor.createTensor(environment, mask.flip(), shape));
    inputs.put("token_type_ids", OnnxTensor.createTensor(environment, types.flip(), shape));
  }

  private static LongBuffer longs(int count) {
    return ByteBuffer.allocateDirect(count * Long.BYTES)
        .order(ByteOrder.nativeOrder())
        .asLongBuffer();
  }

  @Override
  public void run() {
    try (OrtSession.Result result = session.run(inputs, outputs)) {
      if (result.size() != outputs.size()) {
        throw new IllegalStateException("expected " + outputs.size() + " outputs");
      }
    } catch (OrtException error) {
      throw new IllegalStateException(error);
    }
  }

  /** One after the other. */
  @Override
  public float[] outputs() {
    float[] values = new float[answers.stream().mapToInt(FloatBuffer::capacity).sum()];
    int at = 0;
    for (FloatBuffer answer : answers) {
      answer.get(0, values, at, answer.capacity());
      at += answer.capacity();
    }
    return values;
  }

  @Override
  public void close() {
    inputs.values().forEach(OnnxTensor::close);
    outputs.values().forEach(OnnxValue::close);
    try {
      session.close();
    } catch (OrtException error) {
      throw new IllegalStateException(error);
    }
  }
}
