// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * How well a network answers its tasks on a data set; unlabelled entries count for nothing.
 * Immutable.
 *
 * @since 0.1
 */
public final class Evaluation {
  private final double loss;
  private final int exampleCount;
  private final List<TaskEvaluation> tasks;

  Evaluation(double loss, int exampleCount, List<TaskEvaluation> tasks) {
    this.loss = loss;
    this.exampleCount = exampleCount;
    this.tasks = List.copyOf(tasks);
  }

  /**
   * Returns the total loss.
   *
   * @return the sum of the tasks' losses
   */
  public double loss() {
    return loss;
  }

  /**
   * Returns the number of examples.
   *
   * @return labelled or not, at least 1
   */
  public int exampleCount() {
    return exampleCount;
  }

  /**
   * Returns the evaluations of those tasks that the data set has targets for.
   *
   * @return one a task, in the order of heads
   */
  public List<TaskEvaluation> tasks() {
    return tasks;
  }

  /**
   * Returns one task's evaluation.
   *
   * @param name name of the task
   * @return its evaluation
   * @throws IllegalArgumentException if the data set has no targets for it
   */
  public TaskEvaluation task(String name) {
    Objects.requireNonNull(name, "name");
    for (TaskEvaluation task : tasks) {
      if (task.task().equals(name)) {
        return task;
      }
    }
    throw new IllegalArgumentException(
        NearNames.instead(
            "expected one of the tasks", tasks.stream().map(TaskEvaluation::task).toList(), name));
  }

  /**
   * Returns a metric of the only task.
   *
   * @param name for example {@link Metric#ACCURACY}
   * @return the metric
   * @throws IllegalStateException if there are several tasks; use {@link #task}
   * @throws IllegalArgumentException if the task has no such metric
   */
  public Metric metric(String name) {
    Objects.requireNonNull(name, "name");
    if (tasks.size() != 1) {
      throw new IllegalStateException(
          "metric: expected one task, got "
              + tasks.stream().map(TaskEvaluation::task).toList()
              + "; use task(name).metric(name)");
    }
    return tasks.get(0).metric(name);
  }

  /** Returns true for an evaluation with the same numbers; NaN equals NaN. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Evaluation evaluation
        && Double.compare(loss, evaluation.loss) == 0
        && exampleCount == evaluation.exampleCount
        && tasks.equals(evaluation.tasks);
  }

  @Override
  public int hashCode() {
    return Objects.hash(loss, exampleCount, tasks);
  }

  /** Returns a table for each task. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append(String.format(Locale.ROOT, "loss %.4f of %,d examples\n", loss, exampleCount));
    tasks.forEach(task -> text.append('\n').append(task));
    return text.toString();
  }
}
