// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** A data set with the targets of one more task, given as arrays. */
final class TargetDataset extends DerivedDataset {
  private final Target target;
  private final float[][] numbers;
  private final int[] classes;
  private final List<Target> targets;

  /** Exactly one of {@code numbers} and {@code classes} is not null; no names are matched so. */
  TargetDataset(Dataset base, String task, List<String> names, float[][] numbers, int[] classes) {
    super(base);
    this.numbers = numbers;
    this.classes = classes;
    int length = numbers != null ? numbers.length : classes.length;
    if (length != base.size()) {
      throw new ShapeException(
          "targets of \"" + task + "\": expected " + base.size() + " examples, got " + length);
    }
    Target unnamed =
        numbers != null ? Target.numbers(task, width(task, numbers)) : Target.classes(task);
    target = names.isEmpty() ? unnamed : unnamed.withNames(names);
    requireClasses(names.size());
    List<Target> all = new ArrayList<>(base.targets());
    all.removeIf(other -> other.task().equals(task));
    all.add(target);
    targets = List.copyOf(all);
  }

  /** Refuses a class without a name, if there are names. */
  private void requireClasses(int count) {
    for (int i = 0; classes != null && count > 0 && i < classes.length; i++) {
      if (classes[i] < -1 || classes[i] >= count) {
        throw new IllegalArgumentException(
            "classes: expected -1 to "
                + (count - 1)
                + " for "
                + target
                + ", got "
                + classes[i]
                + " for example "
                + i);
      }
    }
  }

  private static int width(String task, float[][] numbers) {
    if (numbers.length == 0) {
      throw new ShapeException(
          "targets of \"" + task + "\": expected at least one example, got none");
    }
    for (int i = 0; i < numbers.length; i++) {
      int example = i;
      Objects.requireNonNull(numbers[i], () -> "targets: row of example " + example);
      if (numbers[i].length != numbers[0].length || numbers[i].length == 0) {
        throw new ShapeException(
            "targets of \""
                + task
                + "\": expected rows of one length, at least 1, got "
                + numbers[0].length
                + " and, in example "
                + i
                + ", "
                + numbers[i].length);
      }
    }
    return numbers[0].length;
  }

  @Override
  Dataset over(Dataset other) {
    return new TargetDataset(other, target.task(), target.names(), numbers, classes);
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
    if (!task.equals(target.task())) {
      return base.readTarget(task, index, destination, offset);
    }
    Arguments.index("index", index, size());
    if (numbers != null) {
      System.arraycopy(numbers[index], 0, destination, offset, target.width());
    } else {
      destination[offset] = classes[index];
    }
    return true;
  }
}
