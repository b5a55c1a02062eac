// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One epoch of training. Immutable.
 *
 * @since 0.1
 */
public final class EpochResult {
  private final int stage;
  private final int epoch;
  private final long steps;
  private final double loss;
  private final Map<String, Double> taskLosses;
  private final Map<String, Double> taskWeights;
  private final Optional<Evaluation> validation;
  private final boolean isBest;
  private final Optional<TaskMetric> watched;
  private final double learningRate;
  private final double seconds;

  EpochResult(
      int stage,
      int epoch,
      long steps,
      double loss,
      Map<String, Double> taskLosses,
      Map<String, Double> taskWeights,
      Optional<Evaluation> validation,
      boolean isBest,
      Optional<TaskMetric> watched,
      double learningRate,
      double seconds) {
    this.stage = stage;
    this.epoch = epoch;
    this.steps = steps;
    this.loss = loss;
    this.taskLosses = Collections.unmodifiableMap(new LinkedHashMap<>(taskLosses));
    this.taskWeights = Collections.unmodifiableMap(new LinkedHashMap<>(taskWeights));
    this.validation = validation;
    this.isBest = isBest;
    this.watched = watched;
    this.learningRate = learningRate;
    this.seconds = seconds;
  }

  /**
   * Returns the number of the stage that it was part of.
   *
   * @return from 0; see {@link Trainer#stages}
   */
  public int stage() {
    return stage;
  }

  /**
   * Returns the number of the epoch.
   *
   * @return from 0, through all stages
   */
  public int epoch() {
    return epoch;
  }

  /**
   * Returns the steps of this epoch.
   *
   * @return fewer than usual where training stopped within it
   */
  public long steps() {
    return steps;
  }

  /**
   * Returns the mean over examples of the total loss, each taken before its step's update.
   *
   * @return the sum of {@link #taskLosses}
   */
  public double loss() {
    return loss;
  }

  /**
   * Returns each task's share of the loss.
   *
   * @return unmodifiable, in the order of heads
   */
  public Map<String, Double> taskLosses() {
    return taskLosses;
  }

  /**
   * Returns what {@link Trainer#balance} multiplied each task's gradients by: the mean over the
   * steps with a known answer of the task.
   *
   * @return unmodifiable, in the order of heads; 1 with plain weights, NaN without such a step
   */
  public Map<String, Double> taskWeights() {
    return taskWeights;
  }

  /**
   * Returns the evaluation on the validation data after the epoch.
   *
   * @return empty without such data, or where training stopped before it
   */
  public Optional<Evaluation> validation() {
    return validation;
  }

  /**
   * Returns the total loss on the validation data.
   *
   * @return empty if there was no validation
   */
  public OptionalDouble validationLoss() {
    return validation.isPresent()
        ? OptionalDouble.of(validation.get().loss())
        : OptionalDouble.empty();
  }

  /**
   * Returns whether the watched value was the best so far.
   *
   * @return false where none is watched
   */
  public boolean isBest() {
    return isBest;
  }

  /**
   * Returns the learning rate of the last step.
   *
   * @return after the schedule
   */
  public double learningRate() {
    return learningRate;
  }

  /**
   * Returns the wall-clock time of the epoch, validation included.
   *
   * @return seconds
   */
  public double seconds() {
    return seconds;
  }

  private String watchedText(TaskMetric of) {
    double value = of.value(validation.orElseThrow());
    String number = Double.isNaN(value) ? "undefined" : String.format(Locale.ROOT, "%.4f", value);
    return ", " + of.metric() + " of " + of.task() + " " + number;
  }

  /**
   * Returns the numbers of the epoch in one line, with the metric that early stopping or keepBest
   * watches, and the weights of tasks where they are not all 1.
   */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append(String.format(Locale.ROOT, "epoch %d: %,d steps, loss %.4f", epoch, steps, loss));
    if (validation.isPresent()) {
      text.append(
          String.format(
              Locale.ROOT,
              ", validation %.4f%s%s",
              validation.get().loss(),
              watched.map(this::watchedText).orElse(""),
              isBest ? " (best so far)" : ""));
    }
    if (taskWeights.values().stream().anyMatch(weight -> weight != 1 && !weight.isNaN())) {
      text.append(", weights");
      taskWeights.forEach(
          (task, weight) -> text.append(String.format(Locale.ROOT, " %s %.3g", task, weight)));
    }
    return text.append(String.format(Locale.ROOT, ", rate %.3g, %.2f s", learningRate, seconds))
        .toString();
  }
}
