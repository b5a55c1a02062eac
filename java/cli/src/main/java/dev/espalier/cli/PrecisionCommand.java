// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Espalier;
import dev.espalier.PrecisionChoice;
import dev.espalier.PredictorOptions;
import dev.espalier.Quantization;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures which precision serves a model best on this CPU. */
@Command(
    abbreviateSynopsis = true,
    name = "precision",
    header = "Measures which precision serves a model best on this CPU.",
    description =
        "Predicts the examples in float, with weights in bfloat16 and in 8-bit whole numbers, and"
            + " takes the fastest whose accuracy (classes), macro AUC (labels) or R² (values) is"
            + " within the tolerance of that in float. Where 8 bits are not, it looks for the"
            + " fewest layers that have to stay in float. Changes no file: predict and serve take"
            + " it by --precision and --keep-float. Judge on examples that the model was not"
            + " trained on.",
    footer = {"", "  espalier precision model.safetensors pictures/ labels.csv --tolerance 0.005"})
final class PrecisionCommand implements Callable<Integer> {
  private static final int MOST_REPORTED = 32;

  @Spec private CommandSpec spec;

  @Mixin private ModelExamples examples;

  @Option(
      names = "--tolerance",
      paramLabel = "NUMBER",
      defaultValue = "0.002",
      description = "By how much a metric may be worse, 0 to 1. Default: ${DEFAULT-VALUE}.")
  private double tolerance;

  @Option(
      names = "--batch-size",
      paramLabel = "COUNT",
      defaultValue = "1",
      description = "Examples of a call that is timed. Default: ${DEFAULT-VALUE}, as of serve.")
  private int batchSize;

  @Option(
      names = "--layers",
      description =
          "Also says, layer by layer, what has 8 bits and what it loses by them, by the first "
              + MOST_REPORTED
              + " examples.")
  private boolean layers;

  @Mixin private JsonOption json;

  @Override
  public Integer call() {
    if (!(tolerance >= 0 && tolerance <= 1)) {
      throw usage("--tolerance: expected 0 to 1, got " + tolerance);
    }
    if (batchSize < 1) {
      throw usage("--batch-size: expected 1 at least, got " + batchSize);
    }
    PrintWriter out = spec.commandLine().getOut();
    try (ModelExamples.Opened opened = examples.open(spec.commandLine().getErr())) {
      PredictorOptions options = PredictorOptions.defaults().threads(1).maxBatchSize(batchSize);
      PrecisionChoice choice =
          PrecisionChoice.measure(
              opened.network(), opened.dataset(), tolerance, options, batchSize);
      Map<String, Object> all = described(choice);
      String text = choice.toString();
      if (layers) {
        Dataset some =
            Datasets.range(opened.dataset(), 0, Math.min(MOST_REPORTED, opened.dataset().size()));
        Quantization report = Quantization.measure(opened.network(), some, options);
        all.put("layers", report.layers().stream().map(PrecisionCommand::described).toList());
        all.put("effect", Json.number(report.effect()));
        text += "\n" + report;
      }
      out.println(json.isGiven() ? Json.pretty(all) : text.strip());
    }
    return 0;
  }

  private static Map<String, Object> described(PrecisionChoice choice) {
    List<Object> candidates = new ArrayList<>();
    for (PrecisionChoice.Candidate candidate : choice.candidates()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("precision", candidate.precision());
      one.put("keep_float", candidate.keepFloat());
      one.put("examples_per_second", Json.number(candidate.examplesPerSecond()));
      one.put("times_fp32", Json.number(candidate.speedup()));
      one.put("native_bytes", candidate.nativeBytes());
      one.put("scores", new TreeMap<>(candidate.scores()));
      one.put("loss_of_score", Json.number(candidate.lossOfScore()));
      one.put("within_tolerance", candidate.isWithinTolerance());
      candidates.add(one);
    }
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("precision", choice.precision());
    all.put("keep_float", choice.options().keepFloat());
    all.put("cpu_target", Espalier.cpuTarget());
    all.put("candidates", candidates);
    return all;
  }

  private static Map<String, Object> described(Quantization.Layer layer) {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("name", layer.name());
    one.put("kind", layer.kind());
    one.put("weights", layer.weights());
    one.put("form", layer.isInt8() ? "int8" : "float");
    one.put("float_reason", layer.floatReason());
    one.put("bytes", layer.bytes());
    one.put("greatest", Json.number(layer.greatest()));
    one.put("spread", Json.number(layer.spread()));
    one.put("error", Json.number(layer.error()));
    one.put("effect", Json.number(layer.effect()));
    return one;
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
