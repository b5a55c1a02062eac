// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Input;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.Task;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says what is in a model file. */
@Command(
    abbreviateSynopsis = true,
    name = "inspect",
    header = "Says what is in a model.",
    description =
        "Inputs, tasks with their labels and thresholds, what is kept with it, layers, parameters,"
            + " checksum. Reads models of Espalier, ONNX and TensorFlow Lite.")
final class InspectCommand implements Callable<Integer> {
  private static final int SHOWN_METADATA = 60;

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = "The model file.")
  private Path file;

  @Mixin private ImportSettings imported;
  @Mixin private JsonOption json;

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    ModelFormat format = ModelFormat.of(file);
    try (Network network = ModelFormat.read(file, imported.options())) {
      if (json.isGiven()) {
        out.println(Json.pretty(described(network, format)));
      } else {
        print(network, format, out);
      }
    }
    return 0;
  }

  private void print(Network network, ModelFormat format, PrintWriter out) throws IOException {
    out.printf(
        Locale.ROOT,
        "%s: %s, %,d bytes%nsha256 %s%n",
        file,
        format.words(),
        Files.size(file),
        Checksum.of(file));
    out.printf("%nInputs%n");
    network.inputs().forEach(input -> out.println("  " + input));
    out.printf("%nTasks%n");
    if (network.tasks().isEmpty()) {
      out.println("  none: a backbone, for espalier adapt");
    }
    for (Task task : network.tasks()) {
      out.printf("  %s: %s%n", task.name(), task.kind().name().toLowerCase(Locale.ROOT));
      for (int i = 0; i < task.width(); i++) {
        String name = task.outputNames().isEmpty() ? "" + i : task.outputNames().get(i);
        out.println("    " + name + (isLabels(task) ? threshold(task, i) : ""));
      }
    }
    if (!network.metadata().isEmpty()) {
      out.printf("%nKept with it%n");
      network.metadata().forEach((key, value) -> out.println("  " + key + ": " + shown(value)));
    }
    out.printf("%nLayers%n%s", network.summary());
    out.printf(Locale.ROOT, "%,d parameters%n", parameters(network));
  }

  private static boolean isLabels(Task task) {
    return task.kind() == Task.Kind.LABELS;
  }

  private static String threshold(Task task, int label) {
    return String.format(Locale.ROOT, ", true from %.3f on", thresholdValue(task, label));
  }

  private static double thresholdValue(Task task, int label) {
    return task.thresholds().isEmpty() ? 0.5 : task.thresholds().get(label);
  }

  private static String shown(String value) {
    String line = value.strip().replaceAll("\\s*\\R\\s*", "; ");
    return line.length() <= SHOWN_METADATA
        ? line
        : line.substring(0, SHOWN_METADATA) + "… (" + value.length() + " characters)";
  }

  private static long parameters(Network network) {
    return network.layers().stream().mapToLong(LayerSummary::parameterCount).sum();
  }

  private Map<String, Object> described(Network network, ModelFormat format) throws IOException {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("file", file.toString());
    all.put("format", format.name().toLowerCase(Locale.ROOT));
    all.put("bytes", Files.size(file));
    all.put("sha256", Checksum.of(file));
    List<Object> inputs = new ArrayList<>();
    for (Input input : network.inputs()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("name", input.name());
      one.put("shape", Arrays.stream(input.shape().dims()).boxed().toList());
      one.put("integers", input.isInteger());
      inputs.add(one);
    }
    all.put("inputs", inputs);
    List<Object> tasks = new ArrayList<>();
    for (Task task : network.tasks()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("name", task.name());
      one.put("kind", task.kind().name().toLowerCase(Locale.ROOT));
      one.put("width", task.width());
      one.put("outputs", task.outputNames());
      if (isLabels(task)) {
        List<Double> thresholds = new ArrayList<>();
        for (int i = 0; i < task.width(); i++) {
          thresholds.add(thresholdValue(task, i));
        }
        one.put("thresholds", thresholds);
      }
      tasks.add(one);
    }
    all.put("tasks", tasks);
    all.put("metadata", network.metadata());
    List<Object> layers = new ArrayList<>();
    for (LayerSummary layer : network.layers()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("name", layer.name());
      one.put("kind", layer.kind());
      one.put("output", Arrays.stream(layer.output().dims()).boxed().toList());
      one.put("parameters", layer.parameterCount());
      one.put("frozen", layer.isFrozen());
      layers.add(one);
    }
    all.put("layers", layers);
    all.put("parameters", parameters(network));
    return all;
  }
}
