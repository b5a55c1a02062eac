// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.ImportOptions;
import dev.espalier.Shape;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What a model of another program leaves open. */
final class ImportSettings {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--dimension",
      paramLabel = "NAME=SIZE",
      description = "Size of a dimension that an ONNX model names: --dimension sequence=128.")
  private Map<String, Long> dimensions = new LinkedHashMap<>();

  @Option(
      names = "--input-shape",
      paramLabel = "INPUT=SHAPE",
      description = "Shape of an input without the batch: --input-shape image=3x224x224.")
  private Map<String, String> shapes = new LinkedHashMap<>();

  @Option(
      names = "--batch-axis",
      paramLabel = "INPUT=AXIS",
      description =
          "Dimension of an input that is the batch, counted from 0, where it is not the first.")
  private Map<String, Integer> batchAxes = new LinkedHashMap<>();

  @Option(
      names = "--outputs",
      split = ",",
      paramLabel = "VALUE",
      description = "Values of the model to compute; what only others need is left out.")
  private List<String> outputs = List.of();

  @Option(names = "--without-batch", description = "One run of the model is one example.")
  private boolean withoutBatch;

  @Option(
      names = "--external-data",
      description = "Reads weights that lie in other files of the model's folder.")
  private boolean externalData;

  ImportOptions options() {
    ImportOptions options = ImportOptions.defaults();
    for (Map.Entry<String, Long> dimension : dimensions.entrySet()) {
      options = options.dimension(dimension.getKey(), dimension.getValue());
    }
    for (Map.Entry<String, String> shape : shapes.entrySet()) {
      options = options.inputShape(shape.getKey(), shape(shape.getValue()));
    }
    for (Map.Entry<String, Integer> axis : batchAxes.entrySet()) {
      options = options.batchAxis(axis.getKey(), axis.getValue());
    }
    if (!outputs.isEmpty()) {
      options = options.outputs(outputs.toArray(String[]::new));
    }
    if (withoutBatch) {
      options = options.withoutBatch();
    }
    return externalData ? options.externalData() : options;
  }

  private Shape shape(String text) {
    try {
      return Shape.of(Arrays.stream(text.split("x")).mapToInt(Integer::parseInt).toArray());
    } catch (IllegalArgumentException error) {
      throw new ParameterException(
          command.commandLine(),
          "--input-shape: expected sizes as 3x224x224, got \"" + text + "\"",
          error);
    }
  }
}
