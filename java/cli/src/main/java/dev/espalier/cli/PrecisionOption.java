// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Precision;
import dev.espalier.PredictorOptions;
import dev.espalier.service.ServiceOptions;
import java.util.List;
import picocli.CommandLine.Option;

/** The option for how a model's weights are kept and computed with. */
final class PrecisionOption {
  @Option(
      names = "--precision",
      defaultValue = "FP32",
      description =
          "How weights are kept and computed with: ${COMPLETION-CANDIDATES}; espalier precision"
              + " measures which is best. Default: ${DEFAULT-VALUE}.")
  private Precision precision;

  @Option(
      names = "--keep-float",
      split = ",",
      paramLabel = "LAYER",
      description = "Layers whose weights stay in float, as espalier precision says.")
  private List<String> keepFloat = List.of();

  PredictorOptions of(PredictorOptions options) {
    options = options.precision(precision);
    return keepFloat.isEmpty() ? options : options.keepFloat(keepFloat.toArray(String[]::new));
  }

  ServiceOptions of(ServiceOptions options) {
    options = options.precision(precision);
    return keepFloat.isEmpty() ? options : options.keepFloat(keepFloat.toArray(String[]::new));
  }
}
