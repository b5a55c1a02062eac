// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.JsonReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Turns the native descriptions of layers, parameters and tasks into records and tables. */
final class Descriptions {
  private Descriptions() {}

  static List<LayerSummary> layers(String json) {
    return objects(JsonReader.read(json)).stream().map(layer -> new LayerSummary(layer)).toList();
  }

  static List<ParameterSummary> parameters(String json) {
    return objects(JsonReader.read(json)).stream()
        .map(
            parameter ->
                new ParameterSummary(
                    (String) parameter.get("path"),
                    shape(parameter.get("shape")),
                    (Boolean) parameter.get("buffer")))
        .toList();
  }

  /** Returns the tasks of a network's spec, in the order of heads. */
  static List<Task> tasks(Map<?, ?> spec) {
    List<Task> tasks = new ArrayList<>();
    for (Map<?, ?> head : objects(spec.get("heads"))) {
      Map<?, ?> task = (Map<?, ?>) head.get("task");
      List<String> labels = new ArrayList<>();
      for (Object label : (List<?>) task.get("labels")) {
        labels.add((String) label);
      }
      tasks.add(
          Task.of(
                  (String) head.get("name"),
                  Task.Kind.valueOf(((String) task.get("kind")).toUpperCase(Locale.ROOT)),
                  labels)
              .thresholds(thresholds(task.get("thresholds"))));
    }
    return List.copyOf(tasks);
  }

  /** Returns the numbers; none where there are none. */
  private static List<Double> thresholds(Object array) {
    return array == null
        ? List.of()
        : ((List<?>) array).stream().map(number -> ((Number) number).doubleValue()).toList();
  }

  static Metrics metrics(Task task, String json) {
    Map<?, ?> object = (Map<?, ?>) JsonReader.read(json);
    List<Metric> metrics = new ArrayList<>();
    for (Map<?, ?> metric : objects(object.get("metrics"))) {
      Object value = metric.get("value");
      metrics.add(
          new Metric(
              (String) metric.get("name"),
              (String) metric.get("label"),
              value == null ? Double.NaN : ((Number) value).doubleValue(),
              (Long) metric.get("support")));
    }
    List<AnswerCounts> counts = new ArrayList<>();
    for (long[] row : numbers(object.get("counts"))) {
      counts.add(new AnswerCounts(row[0], row[1], row[2], row[3], row[4]));
    }
    return new Metrics(task, metrics, counts, numbers(object.get("confusion")));
  }

  private static long[][] numbers(Object rows) {
    return ((List<?>) rows)
        .stream()
            .map(row -> ((List<?>) row).stream().mapToLong(number -> (Long) number).toArray())
            .toArray(long[][]::new);
  }

  static Shape shape(Object dimensions) {
    List<?> numbers = (List<?>) dimensions;
    int[] sizes = new int[numbers.size()];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = Math.toIntExact((Long) numbers.get(i));
    }
    return Shape.of(sizes);
  }

  /** Returns a table of layers; with the column "fate" for transfers. */
  static String table(List<LayerSummary> layers, boolean hasFate) {
    List<String[]> rows = new ArrayList<>();
    rows.add(
        new String[] {
          "layer", "kind", "output", "padding", "parameters", "training", "rate", "transfer"
        });
    long all = 0;
    long trainable = 0;
    for (LayerSummary layer : layers) {
      boolean isThere = layer.fate() != LayerSummary.Fate.DROPPED;
      all += isThere ? layer.parameterCount() : 0;
      trainable += isThere && !layer.isFrozen() ? layer.parameterCount() : 0;
      rows.add(
          new String[] {
            layer.name(),
            layer.kind(),
            layer.output().toString(),
            layer.padding(),
            String.format(Locale.ROOT, "%,d", layer.parameterCount()),
            training(layer),
            isThere && !layer.isFrozen() && layer.parameterCount() > 0
                ? "x " + layer.learningRateScale()
                : "",
            layer.fate().name().toLowerCase(Locale.ROOT)
          });
    }
    int columns = hasFate ? 8 : 7;
    int[] widths = new int[columns];
    for (String[] row : rows) {
      for (int c = 0; c < columns; c++) {
        widths[c] = Math.max(widths[c], row[c].length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < columns; c++) {
        String padding = " ".repeat(widths[c] - row[c].length());
        line.append(c == 4 ? padding + row[c] : row[c] + padding).append("  ");
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.append(
            String.format(Locale.ROOT, "%,d parameters, %,d of them trainable\n", all, trainable))
        .toString();
  }

  private static String training(LayerSummary layer) {
    if (layer.fate() == LayerSummary.Fate.DROPPED) {
      return "";
    }
    if (layer.isFrozen()) {
      return layer.adaptsStatistics() ? "frozen, statistics adapt" : "frozen";
    }
    return layer.parameterCount() > 0 ? "trainable" : "";
  }

  static List<Map<?, ?>> objects(Object list) {
    List<Map<?, ?>> objects = new ArrayList<>();
    for (Object entry : (List<?>) list) {
      objects.add((Map<?, ?>) entry);
    }
    return objects;
  }
}
