// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.peers;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.espalier.bench.StartupReport;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;

/** Workload S by ONNX Runtime: load the model, predict once. */
public final class OnnxRuntimeStartup {
  private OnnxRuntimeStartup() {}

  /** The only argument is the folder of the model. */
  public static void main(String[] arguments) throws IOException, OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    long[] shape = {1, 784};
    try (OrtSession session =
            environment.createSession(Path.of(arguments[0], "I1.onnx").toString());
        OnnxTensor input =
            OnnxTensor.createTensor(environment, FloatBuffer.wrap(StartupReport.input()), shape);
        OrtSession.Result result = session.run(Map.of("input", input))) {
      StartupReport.print(((float[][]) result.get(0).getValue())[0]);
    }
  }
}
