// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.HeadLayers;
import dev.espalier.Input;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.TokenPooling;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** Where a backbone may end, and what a head there begins with. */
final class Trunk {
  /** How many layers are tried where nobody says which one. */
  private static final int MOST_CANDIDATES = 4;

  /** Trunks end where a side is a 32nd of the picture's, rounded up. */
  private static final int STRIDE = 32;

  private static final int SHOWN = 8;
  private static final String SUM = "add";
  private static final Set<String> ACTIVATIONS =
      Set.of(
          "relu",
          "relu6",
          "hard_swish",
          "silu",
          "gelu",
          "elu",
          "selu",
          "leaky_relu",
          "prelu",
          "mish");
  private static final int IMAGE_RANK = 3;
  private static final int TOKENS_RANK = 2;

  private Trunk() {}

  /** Returns the layer of a name, of a backbone. */
  static LayerSummary layer(Network backbone, String name) {
    List<LayerSummary> layers = backbone.layers();
    return layers.stream()
        .filter(layer -> layer.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new CommandFailure(
                    "--layer: expected a layer of the backbone (espalier inspect lists them), got"
                        + " \""
                        + name
                        + "\"; the last ones are "
                        + layers.subList(Math.max(0, layers.size() - SHOWN), layers.size()).stream()
                            .map(LayerSummary::name)
                            .toList()));
  }

  /** Returns the last layer below the heads. */
  static LayerSummary last(Network backbone) {
    List<LayerSummary> below =
        backbone.layers().stream().filter(layer -> layer.head().isEmpty()).toList();
    if (below.isEmpty()) {
      throw new CommandFailure("expected a backbone with layers below its heads, got none");
    }
    return below.get(below.size() - 1);
  }

  /**
   * Returns layers where the trunk of a published network of pictures may end: its last blocks,
   * which end in sums, with the activation behind; without sums, its last activations; in any case
   * the last activation. From the bottom up.
   */
  static List<LayerSummary> candidates(Network backbone) {
    int[] picture = backbone.inputShape().dims();
    List<LayerSummary> layers = backbone.layers();
    List<LayerSummary> blocks = new ArrayList<>();
    List<LayerSummary> activations = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      LayerSummary layer = layers.get(i);
      if (!isOfTrunk(layer, picture)) {
        continue;
      }
      boolean isActivation = ACTIVATIONS.contains(layer.kind());
      boolean isBehindSum = i > 0 && layers.get(i - 1).kind().equals(SUM);
      boolean isActivated = i + 1 < layers.size() && ACTIVATIONS.contains(layers.get(i + 1).kind());
      if (layer.kind().equals(SUM) && !isActivated || isActivation && isBehindSum) {
        blocks.add(layer);
      }
      if (isActivation) {
        activations.add(layer);
      }
    }
    List<LayerSummary> all = blocks.isEmpty() ? activations : blocks;
    if (!activations.isEmpty()) {
      LayerSummary last = activations.get(activations.size() - 1);
      if (!all.contains(last)) {
        all.add(last);
      }
    }
    return List.copyOf(all.subList(Math.max(0, all.size() - MOST_CANDIDATES), all.size()));
  }

  private static boolean isOfTrunk(LayerSummary layer, int[] picture) {
    int[] output = layer.output().dims();
    return output.length == IMAGE_RANK
        && (long) output[1] * STRIDE >= picture[1]
        && (long) output[2] * STRIDE >= picture[2];
  }

  /**
   * Returns what a head on a layer begins with: the mean of each channel of a picture, or over the
   * tokens of a text that count; normalized, but for a vector of a network that had heads already.
   */
  static Consumer<HeadLayers> headLayers(Network backbone, LayerSummary layer) {
    int rank = layer.output().rank();
    if (rank == IMAGE_RANK) {
      return head -> head.globalAveragePool2d().layerNorm();
    }
    if (rank == TOKENS_RANK) {
      Optional<String> lengths = lengths(backbone);
      if (lengths.isPresent()) {
        return head ->
            head.tokenPool("mean", TokenPooling.MEAN, layer.name(), lengths.get()).layerNorm();
      }
    }
    if (rank == 1) {
      boolean isPublished = backbone.tasks().isEmpty();
      return head -> {
        if (isPublished) {
          head.layerNorm();
        }
      };
    }
    throw new CommandFailure(
        "layer \""
            + layer.name()
            + "\" makes "
            + layer.output()
            + ": expected a vector, an image, or tokens that an input counts; name another layer by"
            + " --layer");
  }

  private static Optional<String> lengths(Network backbone) {
    return backbone.inputs().stream()
        .filter(input -> input.isInteger() && input.shape().size() == 1)
        .map(Input::name)
        .findFirst();
  }
}
