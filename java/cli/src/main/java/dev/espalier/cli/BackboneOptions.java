// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Head;
import dev.espalier.ImportOptions;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.Shape;
import dev.espalier.data.TableInputs;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What to start from, how it reads examples, and where heads stand on it. */
final class BackboneOptions {
  @Option(
      names = "--backbone",
      required = true,
      paramLabel = "MODEL",
      description = "What to start from: a model of Espalier, ONNX or TensorFlow Lite.")
  private Path file;

  @Option(
      names = "--layer",
      paramLabel = "NAME",
      description =
          "Layer of the backbone that heads stand on. Default: of published networks of pictures,"
              + " which of the last blocks validation chooses; else the last layer.")
  private String layer;

  @Mixin private PictureSettings pictures;
  @Mixin private TextSettings texts;
  @Mixin private ImportSettings imported;

  /** Reads the network, for pictures of another size if one is given. */
  Network read(Examples examples, long seed) {
    ImportOptions options = imported.options();
    Integer size = examples.kind() == Examples.Kind.PICTURES ? pictures.size() : null;
    Network network = ModelFormat.read(file, options);
    if (size == null) {
      return network;
    }
    try (network) {
      int[] dimensions = network.inputShape().dims();
      Shape shape = Shape.image(dimensions[0], size, size);
      return ModelFormat.of(file) == ModelFormat.ESPALIER
          ? network.transfer().inputShape(shape).build(seed)
          : ModelFormat.read(file, options.inputShape(network.inputs().get(0).name(), shape));
    }
  }

  /** Returns what makes inputs of examples for the network. */
  InputReader inputs(Network network, Examples examples, PrintWriter messages) {
    return switch (examples.kind()) {
      case PICTURES ->
          new PictureInputs(
              pictures.reader(ModelFormat.of(file), network),
              examples,
              new PictureInputs.Limits(pictures.skipBroken(), messages));
      case TEXTS -> texts.inputs(network, file, examples);
      case ROWS -> {
        if (!network.metadata().containsKey(TableInputs.METADATA_KEY)) {
          throw new CommandFailure(
              file
                  + ": expected a model of rows, as espalier train makes of a CSV, got one that"
                  + " does not say how rows become inputs");
        }
        yield new RowInputs(TableInputs.of(network));
      }
    };
  }

  boolean namesLayer() {
    return layer != null;
  }

  /** Returns layers that heads may stand on, at least one, from the bottom up. */
  List<LayerSummary> candidates(Network network, Examples examples) {
    if (layer != null) {
      return List.of(Trunk.layer(network, layer));
    }
    boolean isPublished = examples.kind() == Examples.Kind.PICTURES && network.tasks().isEmpty();
    List<LayerSummary> candidates = isPublished ? Trunk.candidates(network) : List.of();
    return candidates.isEmpty() ? List.of(Trunk.last(network)) : candidates;
  }

  /** Returns a head on a layer of the network that answers a question. */
  static Head head(Network network, Examples examples, Question question, LayerSummary on) {
    return examples.head(question, Trunk.headLayers(network, on));
  }
}
