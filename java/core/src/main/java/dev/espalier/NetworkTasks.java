// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.JsonReader;
import dev.espalier.internal.NativeHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The tasks of a network, here and in native memory, whose thresholds change as one. */
final class NetworkTasks {
  private final NativeHandle network;
  private volatile List<Task> tasks; // changed while this is locked

  NetworkTasks(NativeHandle network, List<Task> tasks) {
    this.network = network;
    this.tasks = tasks;
  }

  /** Returns the tasks, in the order of heads. */
  List<Task> list() {
    return tasks;
  }

  /** Sets the thresholds of one task: one a label, or none for 0.5 each. */
  synchronized void setThresholds(String task, double[] thresholds) {
    network.run(id -> Bridge.networkSetThresholds(id, task, thresholds, thresholds.length));
    tasks =
        tasks.stream()
            .map(old -> old.name().equals(task) ? withThresholds(old, thresholds) : old)
            .toList();
  }

  /**
   * Sets those of all tasks at once, or none: an entry for each output, NaN for those of tasks that
   * keep their thresholds.
   */
  synchronized void setThresholds(double[] columns) {
    network.run(id -> Bridge.networkSetAllThresholds(id, columns, columns.length));
    List<Task> changed = new ArrayList<>();
    int column = 0;
    for (Task task : tasks) {
      changed.add(
          Double.isNaN(columns[column])
              ? task
              : withThresholds(task, Arrays.copyOfRange(columns, column, column + task.width())));
      column += task.width();
    }
    tasks = List.copyOf(changed);
  }

  /**
   * Makes each logit {@code scale * logit + bias}, in the output layers; all or none. Thresholds go
   * on meaning the same logits.
   */
  synchronized void scaleLogits(double[] scales, double[] biases) {
    network.run(id -> Bridge.networkScaleLogits(id, scales, biases, scales.length));
    tasks = Descriptions.tasks((Map<?, ?>) JsonReader.read(network.networkSpec()));
  }

  private static Task withThresholds(Task task, double[] thresholds) {
    return task.thresholds(Arrays.stream(thresholds).boxed().toList());
  }
}
