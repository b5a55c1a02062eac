// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;

/**
 * The layers of a head between features and output layer; see {@link Head#layers}.
 *
 * @since 0.1
 */
public final class HeadLayers extends Layers<HeadLayers> {
  HeadLayers() {}

  /** Returns for example {@code "2 layers of a head"}. */
  @Override
  public String toString() {
    return specs().size() + " layers of a head";
  }

  @Override
  HeadLayers self() {
    return this;
  }

  @Override
  List<String> takeInputs() {
    return List.of();
  }

  @Override
  String fullName(String name, String kind) {
    return name;
  }
}
