// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Target;
import dev.espalier.Task;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a data set knows of a network's tasks, in the order of their outputs. Only for data sets
 * that {@link dev.espalier.Network#evaluate} took: names are known to fit.
 */
final class KnownAnswers {
  private KnownAnswers() {}

  /** Returns the target for a task; empty if the data set has none. */
  static Optional<Target> target(Dataset data, Task task, boolean isOnlyTask) {
    return data.targets().stream()
        .filter(
            target -> target.task().equals(task.name()) || isOnlyTask && target.task().isEmpty())
        .findFirst();
  }

  /** Returns numbers {@code [outputs][examples]}, NaN where unknown; not of classes. */
  static float[][] numbers(Dataset data, Task task, Target target) {
    float[][] columns = new float[task.width()][data.size()];
    int[] from = order(task.outputNames(), target.names());
    for (int i = 0; i < data.size(); i++) {
      float[] row = Datasets.target(data, target.task(), i);
      for (int j = 0; j < columns.length; j++) {
        columns[j][i] = row[from[j]];
      }
    }
    return columns;
  }

  /** Returns the class of each example in the task's order, -1 where unknown. */
  static int[] classes(Dataset data, Task task, Target target) {
    int[] ours = order(target.names(), task.outputNames());
    int[] classes = new int[data.size()];
    for (int i = 0; i < classes.length; i++) {
      int known = (int) Datasets.target(data, target.task(), i)[0];
      classes[i] = known >= 0 && ours.length > 0 ? ours[known] : known;
    }
    return classes;
  }

  /** Returns the position among {@code others} of each name, its own where those have none. */
  private static int[] order(List<String> names, List<String> others) {
    Map<String, Integer> positions = new HashMap<>();
    for (int k = 0; k < others.size(); k++) {
      positions.put(others.get(k), k);
    }
    int[] order = new int[names.size()];
    Arrays.setAll(order, j -> others.isEmpty() ? j : positions.get(names.get(j)));
    return order;
  }
}
