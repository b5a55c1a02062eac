// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Precision;
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

  Precision precision() {
    return precision;
  }
}
