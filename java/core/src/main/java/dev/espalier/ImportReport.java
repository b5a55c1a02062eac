// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.JsonReader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What became of a foreign model that was imported; {@link ImportOptions#report} asks for it. Its
 * text says it all. Immutable.
 *
 * @since 0.1
 */
public final class ImportReport {
  private final Map<?, ?> report;

  /** Takes what native code says; cpp/jvm/import_json.h names the fields. */
  ImportReport(String json) {
    report = (Map<?, ?>) JsonReader.read(json);
  }

  /**
   * Returns what the model says of the program that wrote it.
   *
   * @return for example {@code "pytorch 2.6.0"}; empty if it says nothing
   */
  public String producer() {
    return (String) report.get("producer");
  }

  /**
   * Returns the number of the model's nodes that its outputs need.
   *
   * @return at least 0
   */
  public long nodes() {
    return (Long) report.get("nodes");
  }

  /**
   * Returns how many of them compute what follows from constants and shapes alone.
   *
   * @return at least 0
   */
  public long foldedNodes() {
    return (Long) report.get("folded");
  }

  /**
   * Returns the network's inputs.
   *
   * @return their names in the network by those in the model, in order
   */
  public Map<String, String> inputs() {
    return names("inputs", "name", "layer");
  }

  /**
   * Returns the layers that compute the model's outputs: {@link PredictorOptions#layers} reads
   * them, and heads stand on them.
   *
   * @return names of layers by those of outputs, in order
   */
  public Map<String, String> outputs() {
    return names("outputs", "name", "layer");
  }

  /**
   * Returns what was recognized in several nodes.
   *
   * @return how often by kind: {@code "LayerNormalization"}
   */
  public Map<String, Integer> fused() {
    Map<String, Integer> counts = new LinkedHashMap<>();
    for (Map<?, ?> fusion : entries("fused")) {
      counts.merge((String) fusion.get("kind"), 1, Integer::sum);
    }
    return Collections.unmodifiableMap(counts);
  }

  /**
   * Returns nodes whose layers have other names.
   *
   * @return names of layers by those of nodes
   */
  public Map<String, String> renamed() {
    return names("renamed", "from", "to");
  }

  /**
   * Returns what can't be trained, and why, and what is not as it was in the model.
   *
   * @return lines for people, each with its layer
   */
  public List<String> notes() {
    List<String> notes = new ArrayList<>();
    for (Map<?, ?> note : entries("notes")) {
      String layer = (String) note.get("layer");
      notes.add((layer.isEmpty() ? "model" : "layer '" + layer + "'") + ": " + note.get("text"));
    }
    return List.copyOf(notes);
  }

  private Map<String, String> names(String list, String from, String to) {
    Map<String, String> names = new LinkedHashMap<>();
    for (Map<?, ?> entry : entries(list)) {
      names.put((String) entry.get(from), (String) entry.get(to));
    }
    return Collections.unmodifiableMap(names);
  }

  private List<Map<?, ?>> entries(String list) {
    return Descriptions.objects(report.get(list));
  }

  /** Returns all of it, for people. */
  @Override
  public String toString() {
    return (String) report.get("summary");
  }
}
