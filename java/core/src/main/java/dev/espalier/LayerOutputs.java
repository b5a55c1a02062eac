// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.JsonReader;
import dev.espalier.internal.NativeHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Where the values of layers lie in a predictor's outputs: behind those of the heads. */
record LayerOutputs(List<String> names, List<Shape> shapes, int size) {
  static final LayerOutputs NONE = new LayerOutputs(List.of(), List.of(), 0);

  /** Reads their shapes from a predictor that was made with layers of these names. */
  static LayerOutputs of(NativeHandle predictor, List<String> names) {
    if (names.isEmpty()) {
      return NONE;
    }
    List<Shape> shapes = new ArrayList<>();
    int size = 0;
    for (Object dimensions :
        (List<?>) JsonReader.read(predictor.get(Bridge::predictorLayerShapes))) {
      Shape shape = Descriptions.shape(dimensions);
      shapes.add(shape);
      size = Math.addExact(size, shape.size());
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
