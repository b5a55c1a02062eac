// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntToDoubleFunction;

/** What the native trainer says of a step, and the sums of an epoch's steps. Used by one thread. */
final class StepNumbers {
  private static final int FIRST_TASK = 3; // after loss, rate and norm of the gradients
  private static final int PER_TASK = 3; // loss, labelled entries and weight

  private final List<Task> tasks;
  private final double[] results;
  private final double[] sums; // of losses, of each task's, of its weights, and of their steps

  StepNumbers(List<Task> tasks) {
    this.tasks = tasks;
    results = new double[FIRST_TASK + PER_TASK * tasks.size()];
    sums = new double[1 + 3 * tasks.size()];
  }

  /** Returns where the native trainer writes. */
  double[] results() {
    return results;
  }

  double rate() {
    return results[1];
  }

  /** Returns the sums of an epoch so far, as a checkpoint notes them. */
  double[] sums() {
    return sums.clone();
  }

  /** Goes on from what a checkpoint noted. */
  void restore(double[] sums, double rate) {
    System.arraycopy(sums, 0, this.sums, 0, Math.min(sums.length, this.sums.length));
    results[1] = rate;
  }

  void startEpoch() {
    Arrays.fill(sums, 0);
  }

  /** Adds a step of so many examples. */
  void add(int examples) {
    sums[0] += results[0] * examples;
    int count = tasks.size();
    for (int t = 0; t < count; t++) {
      int of = FIRST_TASK + PER_TASK * t;
      sums[1 + t] += results[of] * examples;
      if (results[of + 1] > 0) {
        sums[1 + count + t] += results[of + 2];
        sums[1 + 2 * count + t]++;
      }
    }
  }

  StepResult step(int epoch, long step, int examples) {
    return new StepResult(
        epoch,
        step,
        examples,
        results[0],
        byTask(t -> results[FIRST_TASK + PER_TASK * t]),
        byTask(
            t -> {
              int of = FIRST_TASK + PER_TASK * t;
              return results[of + 1] > 0 ? results[of + 2] : Double.NaN;
            }),
        results[1],
        results[2]);
  }

  /** Returns the mean loss of an epoch's examples. */
  double loss(int examples) {
    return sums[0] / examples;
  }

  /** Returns each task's share of it. */
  Map<String, Double> taskLosses(int examples) {
    return byTask(t -> sums[1 + t] / examples);
  }

  /** Returns each task's mean weight in the steps that had a known answer; NaN without one. */
  Map<String, Double> taskWeights() {
    int count = tasks.size();
    return byTask(t -> sums[1 + count + t] / sums[1 + 2 * count + t]);
  }

  private Map<String, Double> byTask(IntToDoubleFunction value) {
    Map<String, Double> byTask = new LinkedHashMap<>();
    for (int t = 0; t < tasks.size(); t++) {
      byTask.put(tasks.get(t).name(), value.applyAsDouble(t));
    }
    return byTask;
  }
}
