// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;

/** The layers of a head between features and output layer; see {@link Head#layers}. */
public final class HeadLayers extends Layers<HeadLayers> {
  HeadLayers() {}

  @Override
  HeadLayers self() {
    return this;
  }

  @Override
  List<String> takeInputs() {
    return List.of();
  }
}
