// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Training of dense networks with a relu between layers, in float64 and straight from the formulas;
 * with the right rules or with wrong ones.
 */
final class ReferenceTraining {
  /**
   * How Adam is run.
   *
   * @param correctsBias whether moments are divided by 1 - beta^t
   */
  record Rules(double rate, double beta1, double beta2, boolean correctsBias) {
    static Rules right() {
      return new Rules(1e-3, 0.9, 0.999, true);
    }
  }

  private final List<double[][]> weights = new ArrayList<>(); // [out][in + 1], the bias last
  private final List<double[][][]> moments = new ArrayList<>(); // of each weight: first, second
  private final boolean isClasses;

  ReferenceTraining(ModelFile model) {
    isClasses = model.isClasses();
    for (ModelFile.Layer layer : model.layers()) {
      if (layer.kind().equals("dense")) {
        ModelFile.Tensor weight = model.tensor(layer.name() + ".weight");
        float[] bias = model.tensor(layer.name() + ".bias").values();
        int outputs = weight.shape()[0];
        int inputs = weight.shape()[1];
        double[][] rows = new double[outputs][inputs + 1];
        for (int o = 0; o < outputs; o++) {
          for (int i = 0; i < inputs; i++) {
            rows[o][i] = weight.values()[o * inputs + i];
          }
          rows[o][inputs] = bias[o];
        }
        weights.add(rows);
        moments.add(new double[2][outputs][inputs + 1]);
      }
    }
  }

  /** The losses of steps on the first batch of the work, each before its update. */
  static float[] losses(Work work, int batch, int steps, Rules rules) throws IOException {
    ModelFile model = ModelFile.read(work.model());
    ReferenceTraining training = new ReferenceTraining(model);
    float[] inputs = work.inputs(batch * model.inputSize());
    int width = model.isClasses() ? 1 : model.outputSize();
    float[] targets = work.targets(batch * width);
    float[] losses = new float[steps];
    for (int step = 0; step < steps; step++) {
      losses[step] = (float) training.step(batch, inputs, targets, step + 1, rules);
    }
    return losses;
  }

  private double step(int batch, float[] inputs, float[] targets, int number, Rules rules) {
    int inputSize = inputs.length / batch;
    int width = targets.length / batch;
    List<double[][]> gradients = new ArrayList<>();
    for (double[][] rows : weights) {
      gradients.add(new double[rows.length][rows[0].length]);
    }
    double loss = 0;
    for (int example = 0; example < batch; example++) {
      List<double[]> values = new ArrayList<>();
      double[] x = new double[inputSize];
      for (int i = 0; i < inputSize; i++) {
        x[i] = inputs[example * inputSize + i];
      }
      values.add(x);
      for (int layer = 0; layer < weights.size(); layer++) {
        values.add(forward(weights.get(layer), values.get(layer), layer + 1 < weights.size()));
      }
      double[] gradient = new double[values.get(weights.size()).length];
      double[] logits = values.get(weights.size());
      loss +=
          isClasses
              ? crossEntropy(logits, (int) targets[example], gradient)
              : logistic(logits, targets, example * width, gradient);
      for (int layer = weights.size() - 1; layer >= 0; layer--) {
        gradient =
            backward(weights.get(layer), gradients.get(layer), values.get(layer), gradient, layer);
      }
    }
    for (int layer = 0; layer < weights.size(); layer++) {
      update(layer, gradients.get(layer), batch, number, rules);
    }
    return loss / batch;
  }

  private static double[] forward(double[][] rows, double[] x, boolean isRectified) {
    double[] y = new double[rows.length];
    for (int o = 0; o < y.length; o++) {
      double sum = rows[o][x.length];
      for (int i = 0; i < x.length; i++) {
        sum += rows[o][i] * x[i];
      }
      y[o] = isRectified ? Math.max(0, sum) : sum;
    }
    return y;
  }

  /** Adds to the gradients of a layer; returns that of its input, zero where relu was. */
  private static double[] backward(
      double[][] rows, double[][] sums, double[] x, double[] gradient, int layer) {
    double[] below = new double[x.length];
    for (int o = 0; o < rows.length; o++) {
      sums[o][x.length] += gradient[o];
      for (int i = 0; i < x.length; i++) {
        sums[o][i] += gradient[o] * x[i];
        below[i] += layer > 0 && x[i] > 0 ? gradient[o] * rows[o][i] : 0;
      }
    }
    return below;
  }

  private static double crossEntropy(double[] logits, int target, double[] gradient) {
    double sum = 0;
    for (double logit : logits) {
      sum += Math.exp(logit);
    }
    for (int j = 0; j < logits.length; j++) {
      gradient[j] = Math.exp(logits[j]) / sum - (j == target ? 1 : 0);
    }
    return Math.log(sum) - logits[target];
  }

  private static double logistic(double[] logits, float[] targets, int at, double[] gradient) {
    double loss = 0;
    for (int j = 0; j < logits.length; j++) {
      float target = targets[at + j];
      if (!Float.isNaN(target)) {
        double z = logits[j];
        gradient[j] = 1 / (1 + Math.exp(-z)) - target;
        loss += Math.max(z, 0) - z * target + Math.log1p(Math.exp(-Math.abs(z)));
      }
    }
    return loss;
  }

  private void update(int layer, double[][] sums, int batch, int number, Rules rules) {
    double[][] first = moments.get(layer)[0];
    double[][] second = moments.get(layer)[1];
    double correction1 = rules.correctsBias() ? 1 - Math.pow(rules.beta1(), number) : 1;
    double correction2 = rules.correctsBias() ? 1 - Math.pow(rules.beta2(), number) : 1;
    for (int o = 0; o < sums.length; o++) {
      for (int i = 0; i < sums[o].length; i++) {
        double g = sums[o][i] / batch;
        first[o][i] = rules.beta1() * first[o][i] + (1 - rules.beta1()) * g;
        second[o][i] = rules.beta2() * second[o][i] + (1 - rules.beta2()) * g * g;
        double root = Math.sqrt(second[o][i] / correction2) + 1e-8;
        weights.get(layer)[o][i] -= rules.rate() * first[o][i] / correction1 / root;
      }
    }
  }
}
