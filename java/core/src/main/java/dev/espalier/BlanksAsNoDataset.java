// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Arrays;

/** A data set with 0 for each blank of one task. */
final class BlanksAsNoDataset extends DerivedDataset {
  private final Target target;

  BlanksAsNoDataset(Dataset base, Target target) {
    super(base);
    this.target = target;
  }

  @Override
  Dataset over(Dataset other) {
    return new BlanksAsNoDataset(other, target);
  }

  @Override
  int[] baseExamples(int[] examples) {
    return examples;
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    boolean isLabelled = base.readTarget(task, index, destination, offset);
    if (!task.equals(target.task())) {
      return isLabelled;
    }
    int end = offset + target.width();
    if (!isLabelled) {
      Arrays.fill(destination, offset, end, 0);
    }
    for (int at = offset; at < end; at++) {
      destination[at] = Float.isNaN(destination[at]) ? 0 : destination[at];
    }
    return true;
  }
}
