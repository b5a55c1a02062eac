// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.NativeCall;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What a {@link Head} holds, in the words of a network's spec (docs/model_file.md). Immutable.
 *
 * @param layers between features and output layer
 * @param task kind, names of the outputs, loss
 * @param initializer of the output layer's weights; "" for the default
 */
record HeadSettings(
    List<Map<String, Object>> layers, Map<String, Object> task, String initializer) {
  static HeadSettings ofLayers(List<Map<String, Object>> layers) {
    return new HeadSettings(List.copyOf(layers), Map.of(), "");
  }

  /** Returns these layers with a task. */
  HeadSettings task(Task.Kind kind, String loss, String... names) {
    Map<String, Object> task = new LinkedHashMap<>();
    task.put("kind", kind.specName());
    task.put("labels", List.of(Arguments.names(kind.specName(), names)));
    task.put("loss", loss);
    return new HeadSettings(layers, Collections.unmodifiableMap(task), initializer);
  }

  /** Returns these settings with another one of the task. */
  HeadSettings with(String setting, Object value) {
    Map<String, Object> changed = new LinkedHashMap<>(task);
    changed.put(setting, value);
    return new HeadSettings(layers, Collections.unmodifiableMap(changed), initializer);
  }

  HeadSettings weight(double weight) {
    return with("weight", Arguments.notNegative("weight", weight));
  }

  HeadSettings normalization(LossNormalization normalization) {
    return with("normalization", Objects.requireNonNull(normalization, "normalization").specName());
  }

  HeadSettings initializer(Initializer initializer) {
    Objects.requireNonNull(initializer, "initializer");
    return new HeadSettings(layers, task, initializer.specName());
  }

  HeadSettings labelSmoothing(double smoothing) {
    return with("label_smoothing", Arguments.fraction("smoothing", smoothing));
  }

  /** Returns these settings with a weight for each output. */
  HeadSettings weights(String setting, String argument, double[] weights) {
    Objects.requireNonNull(weights, "weights");
    int width = ((List<?>) task.get("labels")).size();
    if (weights.length != width) {
      throw new IllegalArgumentException(
          argument + ": expected " + width + " weights, got " + weights.length);
    }
    for (double weight : weights) {
      Arguments.positive(argument, weight);
    }
    return with(setting, Arrays.stream(weights).boxed().toList());
  }

  int layerCount() {
    return layers.size();
  }

  /** Returns the entry of a network's spec; {@code from} is "" for the last backbone layer. */
  Map<String, Object> spec(String name, String from) {
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("name", NativeCall.text(name, "name"));
    if (!from.isEmpty()) {
      spec.put("from", from);
    }
    if (!layers.isEmpty()) {
      spec.put("layers", layers);
    }
    spec.put("task", task);
    if (!initializer.isEmpty()) {
      spec.put("initializer", initializer);
    }
    return spec;
  }

  /** Returns for example {@code "labels [cat, dog]"}. */
  @Override
  public String toString() {
    return task.get("kind") + " " + task.get("labels");
  }
}
