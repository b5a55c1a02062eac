// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * Fits {@code scale * logit + bias} to known answers by the smallest log loss.
 *
 * @param scale within {@link #LEAST_SCALE} and {@link #LARGEST_SCALE}: never 0 or negative, which
 *     would forget or turn round what the network has learnt
 * @param bias 0 for classes
 * @param lossBefore mean log loss of the logits as they were
 * @param lossAfter mean log loss with scale and bias, never above {@code lossBefore}
 */
record LogitScaling(double scale, double bias, double lossBefore, double lossAfter) {
  static final double LEAST_SCALE = 0.05;
  static final double LARGEST_SCALE = 20;

  private static final int STEPS = 100;

  /**
   * Platt scaling of one label: Newton's method on a convex loss, with answers drawn towards the
   * middle as if one more of each had been seen, so that few or separable examples do not ask for
   * certainty. Identity if all answers are the same. Source: Platt, "Probabilistic outputs for
   * support vector machines", 1999; Lin, Lin and Weng, "A note on Platt's probabilistic outputs for
   * support vector machines", Machine Learning 68, 2007. The bounds of the scale are ours.
   *
   * @param logits one an example
   * @param answers 0 to 1, of the same length
   */
  static LogitScaling ofLabel(double[] logits, double[] answers) {
    double yes = 0;
    boolean areSame = true;
    for (double answer : answers) {
      yes += answer;
      areSame &= answer == answers[0];
    }
    double no = answers.length - yes;
    double before = loss(logits, answers, 1, 0);
    if (areSame) {
      return new LogitScaling(1, 0, before, before);
    }
    double[] targets = new double[answers.length];
    for (int i = 0; i < targets.length; i++) {
      targets[i] = answers[i] * (yes + 1) / (yes + 2) + (1 - answers[i]) / (no + 2);
    }
    double[] line = {1, 0};
    minimize(logits, targets, line, true);
    if (!(line[0] >= LEAST_SCALE && line[0] <= LARGEST_SCALE)) {
      line[0] = line[0] < LEAST_SCALE ? LEAST_SCALE : LARGEST_SCALE;
      minimize(logits, targets, line, false);
    }
    double after = loss(logits, answers, line[0], line[1]);
    return after < before
        ? new LogitScaling(line[0], line[1], before, after)
        : new LogitScaling(1, 0, before, before);
  }

  /**
   * Temperature scaling of a task of classes: one scale (1 / temperature) for all logits. The
   * derivative of the loss rises with the scale, so bisection finds its zero. Source: Guo, Pleiss,
   * Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, arXiv:1706.04599.
   *
   * <p>As Platt does for labels, answers are drawn in as if one more right and one more wrong one
   * had been seen: of n examples, the target of the right class is {@code (n + 1) / (n + 2)}, the
   * others share the rest. So no scale grows without end where every class is right. (A share for
   * each class, instead of one for all wrong ones, would weigh more the more classes there are.)
   *
   * @param logits {@code [examples][classes]}
   * @param answers a class for each example
   */
  static LogitScaling ofClasses(double[][] logits, int[] answers) {
    double before = classLoss(logits, answers, 1);
    double low = LEAST_SCALE;
    double high = LARGEST_SCALE;
    for (int i = 0; i < STEPS && high / low > 1 + 1e-12; i++) {
      double middle = Math.sqrt(low * high);
      if (classLossSlope(logits, answers, middle) > 0) {
        high = middle;
      } else {
        low = middle;
      }
    }
    double scale = Math.sqrt(low * high);
    double after = classLoss(logits, answers, scale);
    return after < before
        ? new LogitScaling(scale, 0, before, after)
        : new LogitScaling(1, 0, before, before);
  }

  /** Changes {scale, bias}, or the bias alone, until the loss falls no more. */
  private static void minimize(
      double[] logits, double[] targets, double[] line, boolean movesScale) {
    double loss = loss(logits, targets, line[0], line[1]);
    for (int step = 0; step < STEPS; step++) {
      double slopeScale = 0;
      double slopeBias = 0;
      double curveScale = 0;
      double curveBoth = 0;
      double curveBias = 0;
      for (int i = 0; i < logits.length; i++) {
        double z = logits[i];
        double p = Logistic.sigmoid(line[0] * z + line[1]);
        double curve = p * (1 - p);
        slopeScale += (p - targets[i]) * z;
        slopeBias += p - targets[i];
        curveScale += curve * z * z;
        curveBoth += curve * z;
        curveBias += curve;
      }
      // Where the curve is all but flat, the step is along the slope.
      curveScale += 1e-9;
      curveBias += 1e-9;
      double determinant = movesScale ? curveScale * curveBias - curveBoth * curveBoth : curveBias;
      double stepScale =
          movesScale ? (curveBoth * slopeBias - curveBias * slopeScale) / determinant : 0;
      double stepBias =
          movesScale
              ? (curveBoth * slopeScale - curveScale * slopeBias) / determinant
              : -slopeBias / determinant;
      double length = 1;
      double next = loss(logits, targets, line[0] + stepScale, line[1] + stepBias);
      while (!(next <= loss) && length > 1e-10) {
        length /= 2;
        next = loss(logits, targets, line[0] + length * stepScale, line[1] + length * stepBias);
      }
      if (!(loss - next > 1e-14 * loss)) {
        return;
      }
      line[0] += length * stepScale;
      line[1] += length * stepBias;
      loss = next;
    }
  }

  /** The mean of max(z, 0) - z y + log(1 + exp(-|z|)). */
  private static double loss(double[] logits, double[] answers, double scale, double bias) {
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      double z = scale * logits[i] + bias;
      sum += Math.max(z, 0) - z * answers[i] + Math.log1p(Math.exp(-Math.abs(z)));
    }
    return sum / logits.length;
  }

  private static double classLoss(double[][] logits, int[] answers, double scale) {
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      double top = largest(logits[i]);
      double total = 0;
      for (double z : logits[i]) {
        total += Math.exp(scale * (z - top));
      }
      sum += Math.log(total) - scale * (logits[i][answers[i]] - top);
    }
    return sum / logits.length;
  }

  /**
   * The derivative, by the scale, of the loss of the drawn-in answers, times the examples: the sum
   * of the mean logit by probabilities less that by targets.
   */
  private static double classLossSlope(double[][] logits, int[] answers, double scale) {
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      double top = largest(logits[i]);
      double total = 0;
      double weighted = 0;
      double all = 0;
      for (double z : logits[i]) {
        double weight = Math.exp(scale * (z - top));
        total += weight;
        weighted += weight * z;
        all += z;
      }
      double right = logits[i][answers[i]];
      double wrong = (all - right) / (logits[i].length - 1);
      sum += weighted / total - right + (right - wrong) / (logits.length + 2);
    }
    return sum;
  }

  private static double largest(double[] values) {
    double largest = values[0];
    for (double value : values) {
      largest = Math.max(largest, value);
    }
    return largest;
  }
}
