// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.JsonReader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What {@link Network#loadWeights} did with each parameter and each tensor. Immutable.
 *
 * @since 0.1
 */
public final class WeightReport {
  private final Map<?, ?> report;

  /** Takes what native code says; cpp/jvm/weights_json.h names the fields. */
  WeightReport(String json) {
    report = (Map<?, ?>) JsonReader.read(json);
  }

  /**
   * Returns the parameters that were read, those {@link #reshaped} too. Several tensors that a rule
   * joins are separated by commas.
   *
   * @return names of tensors by paths of parameters, in the network's order
   */
  public Map<String, String> matched() {
    return ofMatches("matched", "tensor");
  }

  /**
   * Returns why each parameter's tensor was taken for it: {@code "rule"}, {@code "name"}, and where
   * a map learns {@code "shapes"}, {@code "words"}, {@code "numbers"} or {@code "order"}.
   *
   * @return by paths of parameters, in the network's order
   */
  public Map<String, String> evidence() {
    return ofMatches("matched", "evidence");
  }

  /**
   * Returns the parameters that were read from tensors of another shape.
   *
   * @return names of tensors by paths of parameters, in the network's order
   */
  public Map<String, String> reshaped() {
    return ofMatches("reshaped", "tensor");
  }

  /**
   * Returns the parameters that stayed as they were.
   *
   * @return paths, in the network's order
   */
  public List<String> kept() {
    return names("kept");
  }

  /**
   * Returns the tensors that were not read.
   *
   * @return names, sorted
   */
  public List<String> unused() {
    return names("unused");
  }

  private Map<String, String> ofMatches(String list, String field) {
    Map<String, String> fields = new LinkedHashMap<>();
    for (Map<?, ?> match : Descriptions.objects(report.get(list))) {
      fields.put((String) match.get("parameter"), (String) match.get(field));
    }
    return Collections.unmodifiableMap(fields);
  }

  private List<String> names(String list) {
    List<String> names = new ArrayList<>();
    for (Object name : (List<?>) report.get(list)) {
      names.add((String) name);
    }
    return List.copyOf(names);
  }

  /** Returns how many there are of each, and the first by name. */
  @Override
  public String toString() {
    return (String) report.get("summary");
  }
}
