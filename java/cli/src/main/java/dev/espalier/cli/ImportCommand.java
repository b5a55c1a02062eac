// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.ImportOptions;
import dev.espalier.ImportReport;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes a model of Espalier of one of another program. */
@Command(
    abbreviateSynopsis = true,
    name = "import",
    header = "Makes a model of Espalier of an ONNX or TensorFlow Lite model.",
    description =
        "Its layers are ordinary ones, which train, freeze and are cut. Says what became of the"
            + " model, or all of it that can't be imported.")
final class ImportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = "An .onnx or .tflite file.")
  private Path file;

  @Mixin private DryRunOption dryRun;
  @Mixin private NewFile output;
  @Mixin private ImportSettings imported;
  @Mixin private JsonOption json;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    Path target = output.checked();
    if (ModelFormat.of(file) == ModelFormat.ESPALIER) {
      throw new CommandFailure(
          file + ": expected an ONNX or TensorFlow Lite model, got one of Espalier already");
    }
    AtomicReference<ImportReport> report = new AtomicReference<>();
    ImportOptions options = imported.options().report(report::set);
    try (Network network = ModelFormat.read(file, options)) {
      if (dryRun.isGiven()) {
        DryRunOption.print(
            report.get() + "would be saved as " + target + ": " + network, json, out);
        return 0;
      }
      network.save(target);
      if (json.isGiven()) {
        out.println(Json.pretty(described(network, report.get(), target)));
      } else {
        out.print(report.get());
        out.println(target + ": " + network);
      }
    }
    return 0;
  }

  private static Map<String, Object> described(Network network, ImportReport report, Path target) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("output", target.toString());
    all.put("producer", report.producer());
    all.put("nodes", report.nodes());
    all.put("inputs", report.inputs());
    all.put("outputs", report.outputs());
    all.put("fused", report.fused());
    all.put("renamed", report.renamed());
    all.put("notes", report.notes());
    all.put("layers", network.layers().size());
    all.put("parameters", network.layers().stream().mapToLong(LayerSummary::parameterCount).sum());
    return all;
  }
}
