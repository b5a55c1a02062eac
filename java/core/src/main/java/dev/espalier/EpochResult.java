// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * One epoch of training.
 *
 * @param epoch number of the epoch, from 0
 * @param steps steps of this epoch; fewer than usual where training stopped within it
 * @param loss mean over examples of the total loss, each taken before its step's update
 * @param taskLosses each task's share of the loss
 * @param validation evaluation on the validation data after the epoch; empty without such data, or
 *     where training stopped before it
 * @param isBest true if the watched value of early stopping was the best so far
 * @param learningRate rate of the last step
 * @param seconds wall-clock time, validation included
 */
public record EpochResult(
    int epoch,
    long steps,
    double loss,
    Map<String, Double> taskLosses,
    Optional<Evaluation> validation,
    boolean isBest,
    double learningRate,
    double seconds) {
  /**
   * Copies the map.
   *
   * @param epoch as for the record
   * @param steps as for the record
   * @param loss as for the record
   * @param taskLosses as for the record
   * @param validation as for the record
   * @param isBest as for the record
   * @param learningRate as for the record
   * @param seconds as for the record
   * @throws NullPointerException if the map or the optional is null
   */
  public EpochResult {
    Objects.requireNonNull(taskLosses, "taskLosses");
    taskLosses = Collections.unmodifiableMap(new LinkedHashMap<>(taskLosses));
    Objects.requireNonNull(validation, "validation");
  }

  /**
   * Returns the total loss on the validation data.
   *
   * @return the loss, or NaN if there was no validation
   */
  public double validationLoss() {
    return validation.map(Evaluation::loss).orElse(Double.NaN);
  }
}
