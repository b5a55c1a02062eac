// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;

/**
 * Layers of a backbone that may be unfrozen, by their names, from the input on.
 *
 * @param learning those with parameters
 * @param dropping dropout, which is off while it is frozen
 */
record FrozenLayers(List<String> learning, List<String> dropping) {
  private static final String BATCH_NORM = "batch_norm";
  private static final String DROPOUT = "dropout";

  /** Returns those of some layers; batch norms only if asked for. */
  static FrozenLayers of(List<LayerSummary> layers, boolean areBatchNorms) {
    List<LayerSummary> backbone = layers.stream().filter(layer -> layer.head().isEmpty()).toList();
    return new FrozenLayers(
        backbone.stream()
            .filter(layer -> layer.parameterCount() > 0)
            .filter(layer -> areBatchNorms || !layer.kind().equals(BATCH_NORM))
            .map(LayerSummary::name)
            .toList(),
        backbone.stream()
            .filter(layer -> layer.kind().equals(DROPOUT))
            .map(LayerSummary::name)
            .toList());
  }

  /** Returns what is frozen of a network, batch norms excepted. */
  static FrozenLayers of(Network network) {
    return of(network.layers().stream().filter(LayerSummary::isFrozen).toList(), false);
  }
}
