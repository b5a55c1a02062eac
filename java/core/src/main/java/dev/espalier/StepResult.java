// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * One step of training: forward, backward, update. Immutable.
 *
 * @since 0.1
 */
public final class StepResult {
  private final int epoch;
  private final long step;
  private final int exampleCount;
  private final double loss;
  private final Map<String, Double> taskLosses;
  private final Map<String, Double> taskWeights;
  private final double learningRate;
  private final double gradientNorm;

  StepResult(
      int epoch,
      long step,
      int exampleCount,
      double loss,
      Map<String, Double> taskLosses,
      Map<String, Double> taskWeights,
      double learningRate,
      double gradientNorm) {
    this.epoch = epoch;
    this.step = step;
    this.exampleCount = exampleCount;
    this.loss = loss;
    this.taskLosses = Collections.unmodifiableMap(new LinkedHashMap<>(taskLosses));
    this.taskWeights = Collections.unmodifiableMap(new LinkedHashMap<>(taskWeights));
    this.learningRate = learningRate;
    this.gradientNorm = gradientNorm;
  }

  /**
   * Returns the number of the epoch.
   *
   * @return from 0
   */
  public int epoch() {
    return epoch;
  }

  /**
   * Returns the number of the step within the fit.
   *
   * @return from 0
   */
  public long step() {
    return step;
  }

  /**
   * Returns the number of examples in the batch.
   *
   * @return at least 1
   */
  public int exampleCount() {
    return exampleCount;
  }

  /**
   * Returns the total loss before the update.
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
   * Returns what {@link Trainer#balance} multiplied each task's gradients by.
   *
   * @return unmodifiable, in the order of heads; 1 with plain weights, NaN without a known answer
   */
  public Map<String, Double> taskWeights() {
    return taskWeights;
  }

  /**
   * Returns the learning rate.
   *
   * @return after the schedule
   */
  public double learningRate() {
    return learningRate;
  }

  /**
   * Returns the 2-norm of all gradients, before clipping.
   *
   * @return 0 where no entry of the batch is labelled
   */
  public double gradientNorm() {
    return gradientNorm;
  }

  /** Returns the numbers of the step in one line. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "epoch %d, step %d: loss %.4f of %,d examples, gradient norm %.3g, rate %.3g",
        epoch,
        step,
        loss,
        exampleCount,
        gradientNorm,
        learningRate);
  }
}
