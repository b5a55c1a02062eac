// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import java.util.Arrays;

/**
 * How much an answer to one label would tell about all examples' answers to it, by a linear head on
 * features x: greedy A-optimal design, as Ash et al. 2021 ("Gone Fishing: Neural Active Learning
 * with Fisher Embeddings", arXiv:2106.09675) do it, with rank-one updates.
 *
 * <pre>
 *   M = λI + Σ s(x) x xᵀ over the answered,  s(x) = p(x) (1 - p(x)),
 *   A = mean of s(x) x xᵀ over all examples,
 *   gain(x) = s b / (1 + s a),  a = xᵀ M⁻¹ x,  b = xᵀ M⁻¹ A M⁻¹ x:
 * </pre>
 *
 * <p>by as much the mean variance of what the head says of an example, tr(A M⁻¹), falls with an
 * answer to x. What is like an example that is answered or chosen gains little, so that a batch
 * does not repeat itself.
 */
final class InformationGain {
  /** λ, for features of mean square norm 1; measured, decision 0025. */
  private static final double RIDGE = 0.01;

  private final DesignRows rows;
  private final int width;
  private final float[] uncertainty; // s by example
  private final double[] inverse; // M⁻¹
  private final double[] spread; // A
  private final int[] candidates;
  private final double[] variances; // a by candidate
  private final double[] reductions; // b by candidate
  private final double[] towards; // M⁻¹ x of what was answered last
  private final double[] across; // A M⁻¹ x
  private final double[] back; // M⁻¹ A M⁻¹ x

  /**
   * Begins with what is answered already.
   *
   * @param uncertainty s of each example
   * @param answered examples
   * @param candidates examples to know the gains of, each once, in order
   */
  InformationGain(DesignRows rows, float[] uncertainty, int[] answered, int[] candidates) {
    this.rows = rows;
    this.uncertainty = uncertainty;
    this.candidates = candidates;
    width = rows.width();
    inverse = new double[width * width];
    for (int q = 0; q < width; q++) {
      inverse[q * width + q] = 1 / RIDGE;
    }
    towards = new double[width];
    across = new double[width];
    back = new double[width];
    for (int example : answered) {
      rows.multiply(inverse, example, towards);
      lower(inverseFactor(example));
    }
    spread = rows.spread(uncertainty);
    variances = new double[candidates.length];
    reductions = new double[candidates.length];
    for (int c = 0; c < candidates.length; c++) {
      rows.multiply(inverse, candidates[c], towards);
      multiply(spread, towards, across);
      variances[c] = rows.dot(candidates[c], towards);
      reductions[c] = dot(towards, across);
    }
  }

  /** Returns by how much an answer to a candidate would lower the mean variance; at least 0. */
  double gain(int example) {
    int candidate = Arrays.binarySearch(candidates, example);
    double s = uncertainty[example];
    return Math.max(0, s * reductions[candidate] / (1 + s * variances[candidate]));
  }

  /** Takes an example's answer as known. */
  void answer(int example) {
    rows.multiply(inverse, example, towards);
    multiply(spread, towards, across);
    multiply(inverse, across, back);
    double reduction = dot(towards, across);
    double factor = inverseFactor(example);
    // M⁻¹ loses factor v vᵀ, v = M⁻¹ x; so M⁻¹ A M⁻¹ changes by u vᵀ and v vᵀ, u = M⁻¹ A v.
    for (int c = 0; c < candidates.length; c++) {
      double v = rows.dot(candidates[c], towards);
      double u = rows.dot(candidates[c], back);
      variances[c] -= factor * v * v;
      reductions[c] -= factor * v * (2 * u - factor * reduction * v);
    }
    lower(factor);
  }

  /** Returns s / (1 + s xᵀ M⁻¹ x): Sherman and Morrison 1950. */
  private double inverseFactor(int example) {
    double s = uncertainty[example];
    return s / (1 + s * rows.dot(example, towards));
  }

  private void lower(double factor) {
    for (int q = 0; q < width; q++) {
      double scaled = factor * towards[q];
      for (int r = 0; r < width; r++) {
        inverse[q * width + r] -= scaled * towards[r];
      }
    }
  }

  private static double dot(double[] first, double[] second) {
    double sum = 0;
    for (int q = 0; q < first.length; q++) {
      sum += first[q] * second[q];
    }
    return sum;
  }

  /** Writes a symmetric matrix times a vector. */
  private void multiply(double[] matrix, double[] vector, double[] product) {
    Arrays.fill(product, 0);
    for (int q = 0; q < width; q++) {
      double value = vector[q];
      for (int r = 0; r < width; r++) {
        product[r] += value * matrix[q * width + r];
      }
    }
  }
}
