// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import org.apache.spark.TaskContext;
import org.jspecify.annotations.Nullable;

/** How many threads a task may use. */
final class TaskThreads {
  private static final int MOST = 256; // of a call of the library

  private TaskThreads() {}

  /** Returns those of {@code spark.task.cpus}; 1 outside of tasks. */
  static int of(@Nullable TaskContext task) {
    return task == null ? 1 : Math.min(task.cpus(), MOST);
  }
}
