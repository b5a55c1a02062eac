// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Network;
import dev.espalier.OnnxExportOptions;
import dev.espalier.WeightMap;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Hands a model to other programs. */
@Command(
    abbreviateSynopsis = true,
    name = "export",
    header = "Hands a model to other programs, as ONNX or as weights.",
    description =
        "A file called .onnx becomes a model that answers as this one does; one called .safetensors"
            + " gets the weights alone, for PyTorch and others.")
final class ExportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = "A model of Espalier.")
  private Path file;

  @Option(names = "--logits", description = "ONNX: answers logits in place of probabilities.")
  private boolean logits;

  @Option(names = "--heads", split = ",", paramLabel = "TASK", description = "ONNX: these alone.")
  private List<String> heads = List.of();

  @Option(
      names = "--layers",
      split = ",",
      paramLabel = "LAYER",
      description = "ONNX: what these layers make, too.")
  private List<String> layers = List.of();

  @Option(
      names = "--opset",
      paramLabel = "VERSION",
      description = "ONNX: the operator set, 17 (default) to 22.")
  private Integer operatorSet;

  @Option(
      names = "--int8-weights",
      description = "ONNX: large weights as bytes, about a quarter of a transformer's file.")
  private boolean int8Weights;

  @Mixin private DryRunOption dryRun;
  @Mixin private NewFile output;
  @Mixin private JsonOption json;

  @Override
  public Integer call() throws IOException {
    Path target = output.checked();
    String name = target.toString().toLowerCase(Locale.ROOT);
    boolean isOnnx = name.endsWith(".onnx");
    if (!isOnnx && !name.endsWith(".safetensors")) {
      throw new ParameterException(
          spec.commandLine(), "-o: expected a file called .onnx or .safetensors, got " + target);
    }
    boolean isForOnnx =
        logits || !heads.isEmpty() || !layers.isEmpty() || operatorSet != null || int8Weights;
    if (!isOnnx && isForOnnx) {
      throw new ParameterException(
          spec.commandLine(),
          "--logits, --heads, --layers, --opset and --int8-weights are for .onnx, got " + target);
    }
    ModelFormat.requireEspalier(file);
    PrintWriter out = spec.commandLine().getOut();
    if (dryRun.isGiven()) {
      DryRunOption.print(explain(target, isOnnx), json, out);
      return 0;
    }
    export(target, isOnnx);
    if (json.isGiven()) {
      Map<String, Object> all = new LinkedHashMap<>();
      all.put("output", target.toString());
      all.put("format", isOnnx ? "onnx" : "safetensors");
      all.put("sha256", Checksum.of(target));
      out.println(Json.pretty(all));
    } else {
      out.println("Saved as " + target);
    }
    return 0;
  }

  private void export(Path to, boolean isOnnx) {
    try (Network network = Network.load(file)) {
      if (isOnnx) {
        network.exportOnnx(to, options());
      } else {
        network.exportSafetensors(to, WeightMap.sameNames());
      }
    }
  }

  /**
   * Writes what would be written where nobody looks: so it is known to work, and how large it is.
   */
  private String explain(Path target, boolean isOnnx) throws IOException {
    Path folder = Files.createTempDirectory("espalier");
    Path tried = folder.resolve(isOnnx ? "tried.onnx" : "tried.safetensors");
    try {
      export(tried, isOnnx);
      return String.format(
          Locale.ROOT,
          "would be saved as %s: %s, %,d bytes",
          target,
          isOnnx ? "an ONNX model of " + options() : "weights",
          Files.size(tried));
    } finally {
      Files.deleteIfExists(tried);
      Files.delete(folder);
    }
  }

  private OnnxExportOptions options() {
    OnnxExportOptions options = OnnxExportOptions.defaults();
    options = logits ? options.logits() : options;
    options = operatorSet == null ? options : options.operatorSet(operatorSet);
    options = int8Weights ? options.int8Weights() : options;
    options = heads.isEmpty() ? options : options.heads(heads.toArray(String[]::new));
    return layers.isEmpty() ? options : options.layers(layers.toArray(String[]::new));
  }
}
