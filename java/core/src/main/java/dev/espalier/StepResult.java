// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * One step of training: forward, backward, update.
 *
 * @param epoch number of the epoch, from 0
 * @param step number of the step within the fit, from 0
 * @param exampleCount examples in the batch
 * @param loss total loss before the update
 * @param taskLosses each task's share of the loss
 * @param learningRate rate after the schedule
 * @param gradientNorm 2-norm of all gradients before clipping
 */
public record StepResult(
    int epoch,
    long step,
    int exampleCount,
    double loss,
    Map<String, Double> taskLosses,
    double learningRate,
    double gradientNorm) {
  /**
   * Copies the map.
   *
   * @param epoch as for the record
   * @param step as for the record
   * @param exampleCount as for the record
   * @param loss as for the record
   * @param taskLosses as for the record
   * @param learningRate as for the record
   * @param gradientNorm as for the record
   * @throws NullPointerException if it is null
   */
  public StepResult {
    Objects.requireNonNull(taskLosses, "taskLosses");
    taskLosses = Collections.unmodifiableMap(new LinkedHashMap<>(taskLosses));
  }
}
