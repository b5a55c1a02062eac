// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

/**
 * Ridge regression of answers on features, by products of rows: a = (K + λI)⁻¹ (y − ȳ), prediction
 * ȳ + k·a (Hoerl and Kennard 1970). λ is the one of a few with the least squared error where each
 * example is left out in turn, which needs no fit of its own: eᵢ = aᵢ / ((K + λI)⁻¹)ᵢᵢ (Golub,
 * Heath and Wahba 1979).
 */
final class RidgeProbe {
  private static final double[] PENALTIES = {0.03, 0.3, 3, 30};

  private RidgeProbe() {}

  /**
   * Predicts columns of answers for the rows to judge by.
   *
   * @param known rows to learn from whose answers are known
   * @param answers {@code [known][columns]}
   * @return {@code [rows to judge by][columns]}
   */
  static double[][] predict(GramMatrix gram, int[] known, double[][] answers) {
    int columns = answers.length == 0 ? 0 : answers[0].length;
    double[][] predictions = new double[gram.judged()][columns];
    double[] means = new double[columns];
    for (double[] row : answers) {
      for (int c = 0; c < columns; c++) {
        means[c] += row[c] / answers.length;
      }
    }
    double[][] best = new double[known.length][columns];
    double least = Double.POSITIVE_INFINITY;
    for (double penalty : PENALTIES) {
      double[][] inverse = inverseOfFactor(gram, known, penalty);
      double[][] weights = solve(inverse, answers, means);
      double error = leftOutError(inverse, weights);
      if (error < least) {
        least = error;
        best = weights;
      }
    }
    for (int i = 0; i < predictions.length; i++) {
      for (int c = 0; c < columns; c++) {
        double sum = means[c];
        for (int k = 0; k < known.length; k++) {
          sum += gram.at(gram.learning() + i, known[k]) * best[k][c];
        }
        predictions[i][c] = sum;
      }
    }
    return predictions;
  }

  /** Returns L⁻¹, lower triangular, where K + λI = L Lᵀ (Cholesky). */
  private static double[][] inverseOfFactor(GramMatrix gram, int[] known, double penalty) {
    int n = known.length;
    double[][] factor = new double[n][];
    for (int i = 0; i < n; i++) {
      factor[i] = new double[i + 1];
      for (int j = 0; j <= i; j++) {
        double sum = gram.at(known[i], known[j]) + (i == j ? penalty : 0);
        for (int k = 0; k < j; k++) {
          sum -= factor[i][k] * factor[j][k];
        }
        factor[i][j] = i == j ? Math.sqrt(sum) : sum / factor[j][j];
      }
    }
    double[][] inverse = new double[n][];
    for (int i = 0; i < n; i++) {
      double[] row = new double[i + 1];
      row[i] = 1;
      for (int k = 0; k < i; k++) {
        double scale = factor[i][k];
        for (int j = 0; j <= k; j++) {
          row[j] -= scale * inverse[k][j];
        }
      }
      for (int j = 0; j <= i; j++) {
        row[j] /= factor[i][i];
      }
      inverse[i] = row;
    }
    return inverse;
  }

  /** Returns L⁻ᵀ L⁻¹ (y − ȳ). */
  private static double[][] solve(double[][] inverse, double[][] answers, double[] means) {
    int n = inverse.length;
    double[][] weights = new double[n][means.length];
    for (int i = 0; i < n; i++) {
      for (int c = 0; c < means.length; c++) {
        double sum = 0;
        for (int j = 0; j <= i; j++) {
          sum += inverse[i][j] * (answers[j][c] - means[c]);
        }
        for (int j = 0; j <= i; j++) {
          weights[j][c] += inverse[i][j] * sum;
        }
      }
    }
    return weights;
  }

  private static double leftOutError(double[][] inverse, double[][] weights) {
    double[] diagonal = new double[inverse.length];
    for (double[] row : inverse) {
      for (int j = 0; j < row.length; j++) {
        diagonal[j] += row[j] * row[j];
      }
    }
    double error = 0;
    for (int i = 0; i < weights.length; i++) {
      for (double weight : weights[i]) {
        error += weight / diagonal[i] * (weight / diagonal[i]);
      }
    }
    return error;
  }
}
