// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Locale;
import java.util.Objects;

/**
 * How well a network answers one task. Immutable.
 *
 * @since 0.1
 */
public final class TaskEvaluation {
  private final double loss;
  private final long labelledCount;
  private final Metrics metrics;

  TaskEvaluation(double loss, long labelledCount, Metrics metrics) {
    this.loss = loss;
    this.labelledCount = labelledCount;
    this.metrics = metrics;
  }

  /**
   * Returns the name of the task.
   *
   * @return that of its head
   */
  public String task() {
    return metrics.task().name();
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
   * Returns all metrics, what they were counted from, and the confusion of classes.
   *
   * @return of the whole task, and of each label, class or value
   */
  public Metrics metrics() {
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
    return metrics.metric(name);
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
    return metrics.metric(name, label);
  }

  /** Returns true for an evaluation with the same numbers; NaN equals NaN. */
  @Override
  public boolean equals(Object other) {
    return other instanceof TaskEvaluation evaluation
        && Double.compare(loss, evaluation.loss) == 0
        && labelledCount == evaluation.labelledCount
        && metrics.equals(evaluation.metrics);
  }

  @Override
  public int hashCode() {
    return Objects.hash(loss, labelledCount, metrics);
  }

  /** Returns tables for people. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT, "%s: loss %.4f of %,d labelled\n%s", task(), loss, labelledCount, metrics);
  }
}
