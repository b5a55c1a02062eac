// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import dev.espalier.Network;
import dev.espalier.Predictor;
import java.io.IOException;
import java.nio.file.Path;

/** Workload S by this library: load the model, predict once. */
public final class EspalierStartup {
  private EspalierStartup() {}

  /** The only argument is the folder of the model. */
  public static void main(String[] arguments) throws IOException {
    try (Network network = Network.load(Path.of(arguments[0], "I1.safetensors"));
        Predictor predictor = network.predictor()) {
      StartupReport.print(predictor.predict(StartupReport.input()));
    }
  }
}
