// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.StackReserve;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/** Fits what comes after the logits, calibration and thresholds, to examples with known answers. */
final class Tuning {
  private final Network network;
  private final Dataset data;
  private final TargetBinding binding;
  private final float[][] outputs;

  private Tuning(Network network, Dataset data, float[][] outputs) {
    this.network = network;
    this.data = data;
    binding = TargetBinding.of(network.tasks(), network.networkInputs(), data);
    this.outputs = outputs;
  }

  private static float[][] outputs(Network network, Dataset data, PredictorOptions options) {
    TargetBinding.of(network.tasks(), network.networkInputs(), data); // what it refuses comes first
    try (Predictor predictor = network.predictor(options)) {
      return predictor.predict(new FiniteInputs(data));
    }
  }

  /** Scales the logits of all tasks of labels or classes that there are targets for. */
  static CalibrationReport calibrate(Network network, Dataset data) {
    return calibrate(network, data, outputs(network, data, PredictorOptions.defaults().logits()));
  }

  /** The same from logits of all examples. */
  static CalibrationReport calibrate(Network network, Dataset data, float[][] logits) {
    return new Tuning(network, data, logits).calibrate();
  }

  /** Sets the thresholds of all labels that there are targets for. */
  static void tuneThresholds(Network network, Dataset data) {
    // By the very numbers that are compared with them later: of logits that differ, the
    // probabilities may be the same float.
    tuneThresholds(network, data, outputs(network, data, PredictorOptions.defaults()));
  }

  /** The same from probabilities of all examples. */
  static void tuneThresholds(Network network, Dataset data, float[][] probabilities) {
    new Tuning(network, data, probabilities).tuneThresholds();
  }

  /**
   * Refuses what evaluate refuses: one such example would make all logits count for nothing, and
   * nobody would know.
   */
  private static final class FiniteInputs extends DerivedDataset {
    FiniteInputs(Dataset base) {
      super(base);
    }

    @Override
    Dataset over(Dataset other) {
      return new FiniteInputs(other);
    }

    @Override
    public void readInput(int index, float[] destination, int offset) {
      base.readInput(index, destination, offset);
      for (int i = offset; i < offset + inputShape().size(); i++) {
        if (!Float.isFinite(destination[i])) {
          throw new NonFiniteException(
              "example " + index + ": expected finite inputs, got " + destination[i], null);
        }
      }
    }
  }

  /** How the logits of a label, or of all classes of a task, are to be scaled. */
  private record Fitted(LogitScaling scaling, int knownCount) {}

  private CalibrationReport calibrate() {
    List<List<Fitted>> fitted = new ArrayList<>();
    double[] scales = new double[binding.totalWidth()];
    double[] biases = new double[scales.length];
    Arrays.fill(scales, 1);
    int column = 0;
    for (int t = 0; t < binding.tasks().size(); t++) {
      Task task = binding.tasks().get(t);
      boolean isFitted = binding.isPresent(t) && task.kind() != Task.Kind.VALUES;
      fitted.add(isFitted ? fitted(t, column) : List.of());
      for (int j = 0; j < task.width() && isFitted; j++) {
        LogitScaling scaling = fitted.get(t).get(isOfLabels(task) ? j : 0).scaling;
        scales[column + j] = scaling.scale();
        biases[column + j] = scaling.bias();
      }
      column += task.width();
    }
    network.networkTasks().scaleLogits(scales, biases);
    return report(fitted, network.tasks());
  }

  private List<Fitted> fitted(int t, int column) {
    return isOfLabels(binding.tasks().get(t)) ? ofLabels(t, column) : List.of(ofClasses(t, column));
  }

  private CalibrationReport report(List<List<Fitted>> fitted, List<Task> tasksAfter) {
    List<CalibrationReport.Entry> entries = new ArrayList<>();
    for (int t = 0; t < fitted.size(); t++) {
      Task before = binding.tasks().get(t);
      for (int j = 0; j < fitted.get(t).size(); j++) {
        entries.add(
            new CalibrationReport.Entry(
                before.name(),
                isOfLabels(before) ? before.outputNames().get(j) : "",
                fitted.get(t).get(j).scaling,
                fitted.get(t).get(j).knownCount,
                threshold(before, j),
                threshold(tasksAfter.get(t), j)));
      }
    }
    return new CalibrationReport(entries);
  }

  private static OptionalDouble threshold(Task task, int label) {
    return isOfLabels(task)
        ? OptionalDouble.of(task.thresholds().get(label))
        : OptionalDouble.empty();
  }

  private static boolean isOfLabels(Task task) {
    return task.kind() == Task.Kind.LABELS;
  }

  private void tuneThresholds() {
    double[] thresholds = new double[binding.totalWidth()];
    Arrays.fill(thresholds, Double.NaN);
    int column = 0;
    boolean hasLabels = false;
    for (int t = 0; t < binding.tasks().size(); t++) {
      Task task = binding.tasks().get(t);
      if (binding.isPresent(t) && isOfLabels(task)) {
        hasLabels = true;
        List<Known> labels = labels(t, column);
        for (int j = 0; j < task.width(); j++) {
          thresholds[column + j] = labels.get(j).bestThreshold();
        }
      }
      column += task.width();
    }
    if (!hasLabels) {
      throw new IllegalArgumentException(
          "tuneThresholds: expected targets of a task of labels, got none: only labels have"
              + " thresholds");
    }
    StackReserve.require();
    network.networkTasks().setThresholds(thresholds);
  }

  /** The labelled entries of one label: logits or probabilities, and what is true. */
  record Known(double[] outputs, double[] answers) {
    /**
     * Returns the threshold with the best F1 of probabilities, halfway to the next one; 0.5 if no
     * answer is yes. NaN, which reaches no threshold, counts as no hit.
     */
    double bestThreshold() {
      int yes = (int) Arrays.stream(answers).filter(answer -> answer >= 0.5).count();
      int[] falling =
          IntStream.range(0, outputs.length)
              .filter(i -> !Double.isNaN(outputs[i]))
              .boxed()
              .sorted((a, b) -> Double.compare(outputs[b], outputs[a]))
              .mapToInt(Integer::intValue)
              .toArray();
      double best = 0;
      double threshold = 0.5;
      int hits = 0;
      for (int k = 1; k <= falling.length; k++) {
        boolean isLast = k == falling.length;
        double lowest = outputs[falling[k - 1]];
        double next = isLast ? 0 : outputs[falling[k]];
        hits += answers[falling[k - 1]] >= 0.5 ? 1 : 0;
        double f1 = 2.0 * hits / (k + yes);
        if ((next < lowest || isLast) && f1 > best) {
          best = f1;
          threshold = (lowest + next) / 2;
        }
      }
      return threshold;
    }
  }

  private List<Known> labels(int t, int column) {
    int width = binding.tasks().get(t).width();
    double[][] answers = new double[data.size()][width];
    float[] row = new float[width];
    for (int i = 0; i < answers.length; i++) {
      binding.read(data, t, i, row);
      for (int j = 0; j < width; j++) {
        answers[i][j] = row[j];
      }
    }
    List<Known> labels = new ArrayList<>();
    for (int label = 0; label < width; label++) {
      int j = label;
      int[] known =
          IntStream.range(0, answers.length).filter(i -> !Double.isNaN(answers[i][j])).toArray();
      labels.add(
          new Known(
              IntStream.of(known).mapToDouble(i -> outputs[i][column + j]).toArray(),
              IntStream.of(known).mapToDouble(i -> answers[i][j]).toArray()));
    }
    return labels;
  }

  private List<Fitted> ofLabels(int t, int column) {
    return labels(t, column).stream()
        .map(
            known ->
                new Fitted(
                    LogitScaling.ofLabel(known.outputs, known.answers), known.outputs.length))
        .toList();
  }

  private Fitted ofClasses(int t, int column) {
    Task task = binding.tasks().get(t);
    float[] answer = new float[1];
    List<double[]> rows = new ArrayList<>();
    List<Integer> answers = new ArrayList<>();
    for (int i = 0; i < data.size(); i++) {
      binding.read(data, t, i, answer);
      if (answer[0] >= 0) {
        float[] all = outputs[i];
        rows.add(IntStream.range(0, task.width()).mapToDouble(c -> all[column + c]).toArray());
        answers.add((int) answer[0]);
      }
    }
    return new Fitted(
        LogitScaling.ofClasses(
            rows.toArray(new double[0][]), answers.stream().mapToInt(Integer::intValue).toArray()),
        rows.size());
  }
}
