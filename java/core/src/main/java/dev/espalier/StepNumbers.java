// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the native trainer says of a step, and the sums of an epoch's steps. Used by one thread. */
final class StepNumbers {
  private static final int FIRST_TASK = 3; // after loss, rate and norm of the gradients
  private static final int PER_TASK = 2; // loss and labelled entries

  private final List<Task> tasks;
  private final double[] results;
  private final double[] sums;

  StepNumbers(List<Task> tasks) {
    this.tasks = tasks;
    results = new double[FIRST_TASK + PER_TASK * tasks.size()];
    sums = new double[1 + tasks.size()];
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
    System.arraycopy(sums, 0, this.sums, 0, this.sums.length);
    results[1] = rate;
  }

  void startEpoch() {
    Arrays.fill(sums, 0);
  }

  /** Adds a step of so many examples. */
  void add(int examples) {
    sums[0] += results[0] * examples;
    for (int t = 0; t < tasks.size(); t++) {
      sums[1 + t] += results[FIRST_TASK + PER_TASK * t] * examples;
    }
  }

  StepResult step(int epoch, long step, int examples) {
    return new StepResult(
        epoch,
        step,
        examples,
        results[0],
        byTask(results, FIRST_TASK, PER_TASK, 1),
        results[1],
        results[2]);
  }

  /** Returns the mean loss of an epoch's examples. */
  double loss(int examples) {
    return sums[0] / examples;
  }

  /** Returns each task's share of it. */
  Map<String, Double> taskLosses(int examples) {
    return byTask(sums, 1, 1, examples);
  }

  private Map<String, Double> byTask(double[] values, int first, int stride, int divisor) {
    Map<String, Double> byTask = new LinkedHashMap<>();
    for (int t = 0; t < tasks.size(); t++) {
      byTask.put(tasks.get(t).name(), values[first + stride * t] / divisor);
    }
    return byTask;
  }
}
