// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.service;

import ai.onnxruntime.OrtException;
import dev.espalier.examples.service.Engine;
import dev.espalier.examples.service.EspalierEngine;
import dev.espalier.examples.service.PredictionService;
import dev.espalier.examples.service.ServiceMain;
import java.io.IOException;
import java.nio.file.Path;

/** A process of the load test: the service with the engine of that name. */
final class ServiceProcess {
  private ServiceProcess() {}

  /** Takes the contender's name, the model's file and the port. */
  public static void main(String[] arguments)
      throws IOException, OrtException, InterruptedException {
    Path model = Path.of(arguments[1]);
    Engine engine =
        arguments[0].equals("ort") ? new OnnxRuntimeEngine(model) : new EspalierEngine(model);
    PredictionService.Limits usual = PredictionService.Limits.defaults();
    ServiceMain.serve(
        engine,
        new PredictionService.Limits(
            usual.maxConcurrent(), usual.maxBodyBytes(), usual.bodyMillis(), 0),
        "127.0.0.1",
        Integer.parseInt(arguments[2]));
  }
}
