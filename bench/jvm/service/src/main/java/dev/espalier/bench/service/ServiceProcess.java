// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.service;

import ai.onnxruntime.OrtException;
import dev.espalier.service.PredictionService;
import dev.espalier.service.ServiceOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/** A process of the load test: the service with the engine of that name. */
final class ServiceProcess {
  private ServiceProcess() {}

  /** Takes the contender's name, the model's file and the port. */
  public static void main(String[] arguments)
      throws IOException, OrtException, InterruptedException {
    Path model = Path.of(arguments[1]);
    ServiceOptions options =
        ServiceOptions.defaults().port(Integer.parseInt(arguments[2])).drain(Duration.ZERO);
    PredictionService service =
        arguments[0].equals("ort")
            ? PredictionService.start(new OnnxRuntimeEngine(model), options)
            : PredictionService.start(model, options);
    service.awaitShutdown();
  }
}
