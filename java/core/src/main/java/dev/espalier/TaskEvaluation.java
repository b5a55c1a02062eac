// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.NativeCall;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/** How well a network answers one task. Immutable. */
public final class TaskEvaluation {
  private final String task;
  private final double loss;
  private final long labelledCount;
  private final List<Metric> metrics;

  TaskEvaluation(String task, double loss, long labelledCount, List<Metric> metrics) {
    this.task = task;
    this.loss = loss;
    this.labelledCount = labelledCount;
    this.metrics = List.copyOf(metrics);
  }

  /**
   * Returns the name of the task.
   *
   * @return that of its head
   */
  public String task() {
    return task;
  }

  /**
   * Returns the task's share of the loss.
   *
   * @return task weight times the normalized sum, as in training
   */
  public double loss() {
    return loss;
  }

  /**
   * Returns the number of labelled entries.
   *
   * @return examples for a task of classes, else entries of all labels or values
   */
  public long labelledCount() {
    return labelledCount;
  }

  /**
   * Returns all metrics: first those of the whole task.
   *
   * @return see {@link Metric}
   */
  public List<Metric> metrics() {
    return metrics;
  }

  /**
   * Returns a metric of the whole task.
   *
   * @param name for example {@link Metric#ACCURACY}
   * @return the metric
   * @throws IllegalArgumentException if the task has no such metric, naming those that it has
   */
  public Metric metric(String name) {
    return metric(name, "");
  }

  /**
   * Returns a metric of one label, class or value.
   *
   * @param name for example {@link Metric#AUC}
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

  /** Returns true for an evaluation with the same numbers; NaN equals NaN. */
  @Override
  public boolean equals(Object other) {
    return other instanceof TaskEvaluation evaluation
        && task.equals(evaluation.task)
        && Double.compare(loss, evaluation.loss) == 0
        && labelledCount == evaluation.labelledCount
        && metrics.equals(evaluation.metrics);
  }

  @Override
  public int hashCode() {
    return Objects.hash(task, loss, labelledCount, metrics);
  }

  /** Returns the metrics, one a line. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(Locale.ROOT, "%s: loss %.4f of %,d labelled\n", task, loss, labelledCount));
    metrics.forEach(metric -> text.append("  ").append(metric).append('\n'));
    return text.toString();
  }
}
