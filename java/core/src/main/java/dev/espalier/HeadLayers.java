// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.NativeCall;
import java.util.List;
import java.util.Objects;

/**
 * The layers of a head between features and output layer; see {@link Head#layers}.
 *
 * @since 0.1
 */
public final class HeadLayers extends Layers<HeadLayers> {
  private List<String> nextInputs = List.of();

  HeadLayers() {}

  /**
   * Makes one vector of the valid positions, as heads of a text's network begin: {@code [length,
   * width]} becomes {@code [width]}.
   *
   * @param name name of the layer, or "" to number it
   * @param pooling how
   * @param layer name of the backbone's layer, or of an earlier one of this head
   * @param lengths name of the network's input that counts valid positions, int32 {@code [1]}
   * @return this
   */
  public HeadLayers tokenPool(String name, TokenPooling pooling, String layer, String lengths) {
    Objects.requireNonNull(pooling, "pooling");
    nextInputs = List.of(NativeCall.text(layer, "layer"), NativeCall.text(lengths, "lengths"));
    return tokenPool(name, pooling);
  }

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
    List<String> inputs = nextInputs;
    nextInputs = List.of();
    return inputs;
  }

  @Override
  String fullName(String name, String kind) {
    return name;
  }
}
