// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Objects;

/**
 * How well a network answers its tasks on a data set; unlabelled entries count for nothing.
 *
 * @param loss the total loss: the sum of the tasks' losses
 * @param exampleCount number of examples
 * @param tasks those tasks that the data set has targets for, in the order of heads
 */
public record Evaluation(double loss, int exampleCount, List<TaskEvaluation> tasks) {
  /**
   * Copies the list of tasks.
   *
   * @param loss as for the record
   * @param exampleCount as for the record
   * @param tasks as for the record
   * @throws NullPointerException if it is null
   */
  public Evaluation {
    tasks = List.copyOf(Objects.requireNonNull(tasks, "tasks"));
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
        "expected one of the tasks "
            + tasks.stream().map(TaskEvaluation::task).toList()
            + ", got \""
            + name
            + "\"");
  }

  /**
   * Returns a metric of the only task.
   *
   * @param name for example {@code "accuracy"}
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
}
