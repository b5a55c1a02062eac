// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a network is made of. */
final class NetworkSection {
  private NetworkSection() {}

  static Section of(Network network) {
    List<LayerSummary> layers = network.layers();
    long parameters = layers.stream().mapToLong(LayerSummary::parameterCount).sum();
    long trained =
        layers.stream().filter(l -> !l.isFrozen()).mapToLong(LayerSummary::parameterCount).sum();
    List<List<Object>> rows = new ArrayList<>();
    for (LayerSummary layer : layers) {
      rows.add(
          List.of(
              layer.name(),
              layer.kind(),
              layer.output().toString(),
              layer.parameterCount(),
              layer.isFrozen() ? "frozen" : ""));
    }
    Map<String, Object> fold = Section.block("fold");
    fold.put("title", layers.size() + " layers");
    fold.put("header", List.of("layer", "kind", "output", "parameters", ""));
    fold.put("rows", rows);
    Section section =
        Section.titled("Network")
            .plain(
                String.format(
                    Locale.ROOT,
                    "Input %s, %,d parameters, %,d of them in layers that train.",
                    network.inputShape(),
                    parameters,
                    trained));
    for (Task task : network.tasks()) {
      section = section.plain(task.toString());
    }
    return section.with(fold);
  }
}
