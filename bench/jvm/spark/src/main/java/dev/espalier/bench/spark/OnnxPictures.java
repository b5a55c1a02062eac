// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.spark;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.espalier.bench.Work;
import java.nio.FloatBuffer;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.function.MapPartitionsFunction;

/**
 * Pictures to features by ONNX Runtime, batches in a direct buffer that a task keeps.
 *
 * @param model path of the ONNX model
 * @param size values of a picture
 */
record OnnxPictures(String model, int size) implements MapPartitionsFunction<float[], float[]> {
  @Override
  public Iterator<float[]> call(Iterator<float[]> rows) throws OrtException {
    OrtSession session = OnnxSessions.of(model);
    String input = session.getInputNames().iterator().next();
    long[] shape = ((TensorInfo) session.getInputInfo().get(input).getInfo()).getShape();
    FloatBuffer buffer = Work.directBuffer(SparkWork.BATCH * size);
    return new Batches<>(rows, batch -> features(session, input, shape, buffer, batch));
  }

  private static List<float[]> features(
      OrtSession session, String input, long[] shape, FloatBuffer buffer, List<float[]> batch) {
    buffer.clear();
    batch.forEach(buffer::put);
    long[] batchShape = shape.clone();
    batchShape[0] = batch.size();
    try (OnnxTensor tensor =
            OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), buffer.flip(), batchShape);
        OrtSession.Result result = session.run(Map.of(input, tensor))) {
      FloatBuffer values = ((OnnxTensor) result.get(0)).getFloatBuffer();
      float[] all = new float[values.remaining()];
      values.get(all);
      return Batches.rows(all, batch.size());
    } catch (OrtException error) {
      throw new IllegalStateException(error);
    }
  }
}
