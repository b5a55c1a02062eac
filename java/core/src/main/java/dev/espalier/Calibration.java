// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Objects;

/**
 * What {@link Network#calibrate} did to the logits of one label, or of all classes of a task: they
 * became {@code scale * logit + bias}.
 *
 * @param task name of the task
 * @param label name of the label; "" for a task of classes, whose logits share one scale
 * @param scale above 1 where the network was not sure enough, below 1 where it was too sure; 1
 *     where nothing was to be learnt
 * @param bias 0 for classes
 * @param labelledCount labelled entries that it was fitted to
 * @param logLossBefore mean of {@code -log} of the probability of the known answer; NaN if there
 *     are no labelled entries
 * @param logLossAfter the same with the new logits
 */
public record Calibration(
    String task,
    String label,
    double scale,
    double bias,
    long labelledCount,
    double logLossBefore,
    double logLossAfter) {
  /**
   * Checks for nulls.
   *
   * @param task as for the record
   * @param label as for the record
   * @param scale as for the record
   * @param bias as for the record
   * @param labelledCount as for the record
   * @param logLossBefore as for the record
   * @param logLossAfter as for the record
   * @throws NullPointerException if task or label is null
   */
  public Calibration {
    Objects.requireNonNull(task, "task");
    Objects.requireNonNull(label, "label");
  }
}
