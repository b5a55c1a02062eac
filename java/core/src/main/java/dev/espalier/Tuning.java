// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Fits what comes after the logits, calibration and thresholds, to examples with known answers. */
final class Tuning {
  private final Network network;
  private final Dataset data;
  private final TargetBinding binding;
  private final float[][] logits;

  Tuning(Network network, Dataset data) {
    this.network = network;
    this.data = data;
    binding = TargetBinding.of(network.tasks(), network.inputShape(), data);
    try (Predictor predictor = network.predictor(PredictorOptions.defaults().logits())) {
      logits = predictor.predictAll(data);
    }
  }

  /** Scales the logits of all tasks of labels or classes that there are targets for. */
  List<Calibration> calibrate() {
    List<Calibration> calibrations = new ArrayList<>();
    int column = 0;
    for (int t = 0; t < binding.tasks().size(); t++) {
      Task task = binding.tasks().get(t);
      if (binding.isPresent(t) && task.kind() != Task.Kind.VALUES) {
        List<Calibration> ofTask =
            task.kind() == Task.Kind.CLASSES ? List.of(ofClasses(t, column)) : ofLabels(t, column);
        rescale(task, ofTask);
        calibrations.addAll(ofTask);
      }
      column += task.width();
    }
    return List.copyOf(calibrations);
  }

  /** Sets the thresholds of all labels that there are targets for. */
  void tuneThresholds() {
    int column = 0;
    for (int t = 0; t < binding.tasks().size(); t++) {
      Task task = binding.tasks().get(t);
      if (binding.isPresent(t) && task.kind() == Task.Kind.LABELS) {
        double[] thresholds = new double[task.width()];
        List<Known> labels = labels(t, column);
        for (int j = 0; j < thresholds.length; j++) {
          thresholds[j] = labels.get(j).bestThreshold();
        }
        network.setThresholds(task.name(), thresholds);
      }
      column += task.width();
    }
  }

  /** The labelled entries of one label. */
  record Known(double[] logits, double[] answers) {
    /** Returns the threshold with the best F1, halfway to the next answer; 0.5 if none is yes. */
    double bestThreshold() {
      double[] probabilities = new double[logits.length];
      int yes = 0;
      for (int i = 0; i < logits.length; i++) {
        probabilities[i] = 1 / (1 + Math.exp(-logits[i]));
        yes += answers[i] >= 0.5 ? 1 : 0;
      }
      int[] falling =
          IntStream.range(0, logits.length)
              .boxed()
              .sorted((a, b) -> Double.compare(probabilities[b], probabilities[a]))
              .mapToInt(Integer::intValue)
              .toArray();
      double best = 0;
      double threshold = 0.5;
      int hits = 0;
      for (int k = 1; k <= falling.length; k++) {
        double last = probabilities[falling[k - 1]];
        double next = k < falling.length ? probabilities[falling[k]] : 0;
        hits += answers[falling[k - 1]] >= 0.5 ? 1 : 0;
        double f1 = 2.0 * hits / (k + yes);
        if (next < last && f1 > best) {
          best = f1;
          threshold = (last + next) / 2;
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
              IntStream.of(known).mapToDouble(i -> logits[i][column + j]).toArray(),
              IntStream.of(known).mapToDouble(i -> answers[i][j]).toArray()));
    }
    return labels;
  }

  private List<Calibration> ofLabels(int t, int column) {
    Task task = binding.tasks().get(t);
    List<Calibration> calibrations = new ArrayList<>();
    List<Known> labels = labels(t, column);
    for (int j = 0; j < labels.size(); j++) {
      Known known = labels.get(j);
      calibrations.add(
          calibration(
              task,
              task.labels().get(j),
              LogitScaling.ofLabel(known.logits, known.answers),
              known.logits.length));
    }
    return calibrations;
  }

  private Calibration ofClasses(int t, int column) {
    Task task = binding.tasks().get(t);
    float[] answer = new float[1];
    List<double[]> rows = new ArrayList<>();
    List<Integer> answers = new ArrayList<>();
    for (int i = 0; i < data.size(); i++) {
      binding.read(data, t, i, answer);
      if (answer[0] >= 0) {
        float[] all = logits[i];
        rows.add(IntStream.range(0, task.width()).mapToDouble(c -> all[column + c]).toArray());
        answers.add((int) answer[0]);
      }
    }
    LogitScaling scaling =
        LogitScaling.ofClasses(
            rows.toArray(new double[0][]), answers.stream().mapToInt(Integer::intValue).toArray());
    return calibration(task, "", scaling, rows.size());
  }

  private static Calibration calibration(Task task, String label, LogitScaling scaling, int count) {
    return new Calibration(
        task.name(),
        label,
        scaling.scale(),
        scaling.bias(),
        count,
        scaling.lossBefore(),
        scaling.lossAfter());
  }

  /** Changes the output layer so that its logits become {@code scale * logit + bias}. */
  private void rescale(Task task, List<Calibration> calibrations) {
    String path = "heads." + task.name() + ".dense.";
    float[] weights = network.parameter(path + "weight");
    float[] biases = network.parameter(path + "bias");
    int width = weights.length / biases.length;
    for (int j = 0; j < biases.length; j++) {
      Calibration calibration = calibrations.get(calibrations.size() == 1 ? 0 : j);
      for (int i = j * width; i < (j + 1) * width; i++) {
        weights[i] = (float) (weights[i] * calibration.scale());
      }
      biases[j] = (float) (biases[j] * calibration.scale() + calibration.bias());
    }
    network.setParameter(path + "weight", weights);
    network.setParameter(path + "bias", biases);
  }
}
