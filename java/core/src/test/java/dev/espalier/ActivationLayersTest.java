// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** Each verb of an activation, the next one included. */
class ActivationLayersTest {
  private static LayerSummary lastLayer(NetworkBuilder builder) {
    try (Network network = builder.head("value", Head.values("v")).build(1)) {
      List<LayerSummary> layers = network.layers();
      return layers.get(layers.size() - 2); // the last one is the head's
    }
  }

  @Test
  void eachVerbAddsTheLayerOfItsName() throws Exception {
    int verbs = 0;
    for (Method verb : ActivationLayers.class.getDeclaredMethods()) {
      boolean isVerb = verb.getReturnType() == ActivationLayers.class && !verb.isSynthetic();
      if (!isVerb || verb.getName().equals("append")) {
        continue;
      }
      String kind = verb.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
      if (verb.getParameterCount() == 0) {
        NetworkBuilder builder = Network.builder(Shape.vector(4)).dense(3);
        verb.invoke(builder);
        LayerSummary layer = lastLayer(builder);
        assertEquals(kind, layer.kind());
        assertEquals(kind + "1", layer.name());
        assertEquals(Shape.vector(3), layer.output());
        verbs++;
      } else if (List.of(verb.getParameterTypes()).equals(List.of(String.class))) {
        NetworkBuilder builder = Network.builder(Shape.vector(4)).dense(3);
        verb.invoke(builder, "bent");
        LayerSummary layer = lastLayer(builder);
        assertEquals(kind, layer.kind());
        assertEquals("bent", layer.name());
        verbs++;
      }
    }
    assertTrue(verbs >= 25, verbs + " verbs");
  }
}
