// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Objects;

/**
 * What else may become of unlabelled entries, which by themselves have no effect.
 *
 * @since 0.1
 */
public final class Blanks {
  private Blanks() {}

  /**
   * Takes each blank of a task of labels for a no: for labels of which only yeses are written down,
   * to train by {@link EntropyMaximizationLoss} or with {@link LabelsHead#labelSmoothing}, which
   * know that it may be wrong. Where noes are written down too, it spoils what they say.
   *
   * @param data the data set
   * @param task name of the task, or "" for the only one
   * @return a view without blanks in that task
   * @throws IllegalArgumentException if there is no such task, or it is one of classes
   */
  public static Dataset asNo(Dataset data, String task) {
    Objects.requireNonNull(data, "data");
    Target target = DerivedDataset.find(data, task);
    if (target.isClasses()) {
      throw new IllegalArgumentException("task: expected labels, got " + target);
    }
    return new BlanksAsNoDataset(data, target);
  }
}
