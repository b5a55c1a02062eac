// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;

/** Which layers of a network there are to unfreeze. */
final class FrozenLayers {
  private static final String BATCH_NORM = "batch_norm";

  private FrozenLayers() {}

  /** Returns those that are frozen, from the input on, batch norms excepted. */
  static List<String> toUnfreeze(Network network) {
    return network.layers().stream()
        .filter(layer -> layer.isFrozen() && isToUnfreeze(layer, false))
        .map(LayerSummary::name)
        .toList();
  }

  /**
   * Says whether a layer is one of the backbone with parameters, and no batch norm unless asked.
   */
  static boolean isToUnfreeze(LayerSummary layer, boolean areBatchNorms) {
    return layer.head().isEmpty()
        && layer.parameterCount() > 0
        && (areBatchNorms || !layer.kind().equals(BATCH_NORM));
  }
}
