// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Espalier;
import dev.espalier.PrecisionChoice;
import dev.espalier.PredictorOptions;
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
            + " within the tolerance of that in float. Changes no file: predict and serve take it"
            + " by --precision. Judge on examples that the model was not trained on.",
    footer = {"", "  espalier precision model.safetensors pictures/ labels.csv --tolerance 0.005"})
final class PrecisionCommand implements Callable<Integer> {
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
      out.println(json.isGiven() ? Json.pretty(described(choice)) : choice.toString().strip());
    }
    return 0;
  }

  private static Map<String, Object> described(PrecisionChoice choice) {
    List<Object> candidates = new ArrayList<>();
    for (PrecisionChoice.Candidate candidate : choice.candidates()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("precision", candidate.precision());
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
    all.put("cpu_target", Espalier.cpuTarget());
    all.put("candidates", candidates);
    return all;
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
