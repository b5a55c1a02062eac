// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/** The logistic function and its logarithm, for any logit. */
final class Logistic {
  private Logistic() {}

  static double sigmoid(double logit) {
    return 1 / (1 + Math.exp(-logit));
  }

  /** Returns {@code log(1 + exp(logit)) = -log(1 - sigmoid(logit))}. */
  static double softplus(double logit) {
    return Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit)));
  }

  /** Refuses a loss for labels that a task of another kind is trained by. */
  static void requireLabels(String loss, LossBatch batch) {
    if (batch.task().kind() != Task.Kind.LABELS) {
      throw new IllegalArgumentException(loss + ": expected a task of labels, got " + batch.task());
    }
  }
}
