// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.JsonReader;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The table of a network's layers, and below it what is hardly meant. */
final class NetworkSummary {
  private NetworkSummary() {}

  /**
   * Returns lines for people. Heads that read all vectors of a text side by side have one each.
   *
   * @param json the network's spec
   */
  static String of(List<LayerSummary> layers, String json) {
    Map<?, ?> spec = (Map<?, ?>) JsonReader.read(json);
    StringBuilder notes = new StringBuilder(Descriptions.table(layers, false));
    for (Map<?, ?> head : Descriptions.objects(spec.get("heads"))) {
      Object from = head.get("from");
      for (LayerSummary layer : layers) {
        if (layer.name().equals(from) && readsTexts(spec) && isFlattened(head, layer.output())) {
          notes.append(
              String.format(
                  Locale.ROOT,
                  "head \"%s\" reads all %d positions of \"%s\" side by side, those behind a text's"
                      + " end too: Head.layers(h -> h.tokenPool(...)) reads those that count\n",
                  head.get("name"),
                  layer.output().dims()[0],
                  from));
        }
      }
    }
    return notes.toString();
  }

  private static boolean readsTexts(Map<?, ?> spec) {
    return spec.get("inputs") instanceof List<?> inputs
        && Descriptions.objects(inputs).stream()
            .anyMatch(input -> "int32".equals(input.get("type")));
  }

  private static boolean isFlattened(Map<?, ?> head, Shape from) {
    List<Map<?, ?>> layers = Descriptions.objects(head.get("layers"));
    boolean isDense = layers.isEmpty();
    if (!isDense && layers.get(0).get("kind").equals("dense")) {
      Map<?, ?> attributes = (Map<?, ?>) layers.get(0).get("attributes");
      isDense = !Boolean.TRUE.equals(attributes.get("per_position"));
    }
    return isDense && from.dims().length == 2 && from.dims()[0] > 1;
  }
}
