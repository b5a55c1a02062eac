// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Objects;

/** A metric of a whole task, by their names. */
record TaskMetric(String task, String metric) {
  TaskMetric {
    Objects.requireNonNull(task, "task");
    Objects.requireNonNull(metric, "metric");
  }

  /** Returns its value; NaN where it is undefined. */
  double value(Evaluation evaluation) {
    return evaluation.task(task).metric(metric).value();
  }

  /** Returns what is smaller the better the metric is; NaN where it is undefined. */
  double cost(Evaluation evaluation) {
    Metric of = evaluation.task(task).metric(metric);
    return of.higherIsBetter() ? -of.value() : of.value();
  }

  @Override
  public String toString() {
    return metric + " of task \"" + task + '"';
  }
}
