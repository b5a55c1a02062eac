// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A task's loss of a user's making, with the memory that it reads and writes. */
final class OwnLoss {
  private final Loss loss;
  private final Task task;
  private final int index;
  private final int column;
  private final boolean isTraining;
  private LossBatch batch;

  private OwnLoss(Loss loss, Task task, int index, int column, boolean isTraining) {
    this.isTraining = isTraining;
    this.loss = loss;
    this.task = task;
    this.index = index;
    this.column = column;
  }

  /** Refuses the name of no task. */
  static void requireTask(List<Task> tasks, String name) {
    List<String> names = tasks.stream().map(Task::name).toList();
    if (!names.contains(name)) {
      throw new IllegalArgumentException(NearNames.instead("task: expected one of", names, name));
    }
  }

  /**
   * Returns those of the tasks that have one, in the order of tasks: for training steps, or for
   * evaluations.
   */
  static List<OwnLoss> of(List<Task> tasks, Map<String, Loss> losses, boolean isTraining) {
    List<OwnLoss> result = new ArrayList<>();
    int column = 0;
    for (int t = 0; t < tasks.size(); t++) {
      Loss loss = losses.get(tasks.get(t).name());
      if (loss != null) {
        result.add(new OwnLoss(loss, tasks.get(t), t, column, isTraining));
      }
      column += tasks.get(t).width();
    }
    return result;
  }

  /**
   * Returns the sum of losses of a few examples; 0 where nothing is labelled.
   *
   * @param logits rows {@code stride} apart
   * @param at the first one's first logit
   * @param stride from row to row
   * @param targets what has their targets
   * @param first the first example's place in there
   * @param count how many examples
   */
  double compute(FloatBuffer logits, int at, int stride, Batch targets, int first, int count) {
    if (batch == null || batch.examples() != count) {
      batch = new LossBatch(task, count, isTraining);
    }
    if (stride == task.width()) {
      logits.get(at, batch.logits());
    }
    for (int row = 0; row < count && stride != task.width(); row++) {
      logits.get(at + row * stride, batch.logits(), row * task.width(), task.width());
    }
    targets.copyTargets(index, first, batch);
    batch.copyPlaces(targets, first);
    return batch.begin() ? loss.compute(batch) : 0;
  }

  /** Returns what was computed last, with its gradients. */
  LossBatch batch() {
    return batch;
  }

  Task task() {
    return task;
  }

  /** Returns the task's place among all. */
  int index() {
    return index;
  }

  /** Returns the task's first column among those of all tasks. */
  int column() {
    return column;
  }
}
