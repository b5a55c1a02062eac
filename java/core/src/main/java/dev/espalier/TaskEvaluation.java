// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.NativeCall;
import java.util.List;
import java.util.Objects;

/**
 * How well a network answers one task.
 *
 * @param task name of the task
 * @param loss the task's share of the loss: task weight times the normalized sum, as in training
 * @param labelledCount labelled entries that it was computed from
 * @param metrics all metrics; see {@link Metric}
 */
public record TaskEvaluation(String task, double loss, long labelledCount, List<Metric> metrics) {
  /**
   * Copies the list of metrics.
   *
   * @param task as for the record
   * @param loss as for the record
   * @param labelledCount as for the record
   * @param metrics as for the record
   * @throws NullPointerException if task or metrics is null
   */
  public TaskEvaluation {
    Objects.requireNonNull(task, "task");
    metrics = List.copyOf(Objects.requireNonNull(metrics, "metrics"));
  }

  /**
   * Returns a metric of the whole task.
   *
   * @param name for example {@code "accuracy"}
   * @return the metric
   * @throws IllegalArgumentException if the task has no such metric, naming those that it has
   */
  public Metric metric(String name) {
    return metric(name, "");
  }

  /**
   * Returns a metric of one label, class or value.
   *
   * @param name for example {@code "auc"}
   * @param label name of the label, class or value
   * @return the metric
   * @throws IllegalArgumentException if the task has no such metric, naming those that it has
   */
  public Metric metric(String name, String label) {
    NativeCall.text(name, "name");
    NativeCall.text(label, "label");
    for (Metric metric : metrics) {
      if (metric.name().equals(name) && metric.label().equals(label)) {
        return metric;
      }
    }
    throw new IllegalArgumentException(
        "task \""
            + task
            + "\": expected one of "
            + metrics.stream()
                .map(m -> m.label().isEmpty() ? m.name() : m.name() + " of " + m.label())
                .toList()
            + ", got \""
            + name
            + "\""
            + (label.isEmpty() ? "" : " of \"" + label + "\""));
  }
}
