// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Arrays;
import java.util.List;

/** Biases of an output layer that answer with the priors; see {@link Network#initializeBias}. */
final class PriorBias {
  private PriorBias() {}

  static float[] of(List<Task> tasks, NetworkInputs inputs, String name, Dataset data) {
    List<String> names = tasks.stream().map(Task::name).toList();
    int index = names.indexOf(name);
    if (index < 0) {
      throw new IllegalArgumentException(
          "task: expected one of " + names + ", got " + name + NearNames.didYouMean(name, names));
    }
    TargetBinding binding = TargetBinding.of(tasks, inputs, data);
    if (!binding.isPresent(index)) {
      throw new IllegalArgumentException(
          "data: expected targets of task \"" + name + "\", got " + data.targets());
    }
    Task task = tasks.get(index);
    double[] sums = new double[task.width()];
    long[] counts = new long[task.width()];
    count(binding, index, data, sums, counts);
    double[] bias =
        switch (task.kind()) {
          case LABELS -> logits(sums, counts);
          case CLASSES -> logPriors(counts);
          case VALUES -> means(sums, counts);
        };
    float[] result = new float[bias.length];
    for (int j = 0; j < result.length; j++) {
      result[j] = (float) bias[j];
    }
    return result;
  }

  /** Sums and counts of the labelled entries of each output; of a class, its examples. */
  private static void count(
      TargetBinding binding, int task, Dataset data, double[] sums, long[] counts) {
    float[] target = new float[binding.targetWidth(task)];
    boolean isClasses = binding.tasks().get(task).kind() == Task.Kind.CLASSES;
    for (int i = 0; i < data.size(); i++) {
      binding.read(data, task, i, target);
      if (isClasses) {
        if (target[0] >= 0) {
          counts[(int) target[0]]++;
        }
        continue;
      }
      for (int j = 0; j < target.length; j++) {
        if (!Float.isNaN(target[j])) {
          sums[j] += target[j];
          counts[j]++;
        }
      }
    }
  }

  private static double[] logits(double[] sums, long[] counts) {
    double[] bias = new double[sums.length];
    Arrays.setAll(bias, j -> Math.log((sums[j] + 1) / (counts[j] - sums[j] + 1)));
    return bias;
  }

  private static double[] logPriors(long[] counts) {
    double[] bias = new double[counts.length];
    Arrays.setAll(bias, c -> Math.log(counts[c] + 1.0));
    double mean = Arrays.stream(bias).average().orElseThrow();
    Arrays.setAll(bias, c -> bias[c] - mean);
    return bias;
  }

  private static double[] means(double[] sums, long[] counts) {
    double[] bias = new double[sums.length];
    Arrays.setAll(bias, j -> counts[j] == 0 ? 0 : sums[j] / counts[j]);
    return bias;
  }
}
