// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;

/** A data set with some of its targets, under other names. */
final class RenamedDataset extends DerivedDataset {
  private final List<String> formerTasks;
  private final List<Target> targets;
  private final List<String> tasks;

  /** Target {@code i} is what was that of task {@code formerTasks[i]}; of the same width. */
  RenamedDataset(Dataset base, List<String> formerTasks, List<Target> targets) {
    super(base);
    this.formerTasks = formerTasks;
    this.targets = targets;
    tasks = targets.stream().map(Target::task).toList();
  }

  /** Gives names to the labels, values or classes of one task. */
  static Dataset named(Dataset base, String task, List<String> names) {
    Target former = find(base, task);
    Target named = former.withNames(names);
    List<Target> targets =
        base.targets().stream().map(target -> target.equals(former) ? named : target).toList();
    return new RenamedDataset(base, base.targets().stream().map(Target::task).toList(), targets);
  }

  @Override
  Dataset over(Dataset other) {
    return new RenamedDataset(other, formerTasks, targets);
  }

  @Override
  int[] baseExamples(int[] examples) {
    return examples;
  }

  @Override
  public List<Target> targets() {
    return targets;
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    int position = tasks.indexOf(find(this, task).task());
    return base.readTarget(formerTasks.get(position), index, destination, offset);
  }
}
