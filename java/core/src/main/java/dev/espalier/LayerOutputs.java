// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.NativeHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Where the values of layers lie in a predictor's outputs: behind those of the heads. */
record LayerOutputs(List<String> names, List<Shape> shapes, int size) {
  static final LayerOutputs NONE = new LayerOutputs(List.of(), List.of(), 0);

  /** Looks layers up by name; those that there are not are left to native code to refuse. */
  static LayerOutputs of(NativeHandle network, List<String> names) {
    if (names.isEmpty()) {
      return NONE;
    }
    List<LayerSummary> layers = Descriptions.layers(network.get(Bridge::networkDescribe));
    List<Shape> shapes = new ArrayList<>();
    int size = 0;
    for (String name : names) {
      for (LayerSummary layer : layers) {
        if (layer.name().equals(name)) {
          shapes.add(layer.output());
          size = Math.addExact(size, layer.output().size());
        }
      }
    }
    return new LayerOutputs(names, List.copyOf(shapes), size);
  }

  /** Returns the values of a layer from the outputs of one example. */
  float[] values(String layer, float[] outputs) {
    int offset = outputs.length - size;
    for (int i = 0; i < names.size(); i++) {
      int width = shapes.get(i).size();
      if (names.get(i).equals(layer)) {
        return Arrays.copyOfRange(outputs, offset, offset + width);
      }
      offset += width;
    }
    throw new IllegalArgumentException(
        NearNames.instead("expected one of the predictor's layers", names, layer));
  }
}
