// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Answers of the five nearest neighbors by Euclidean distance of the standardized features, each
 * with weight exp(−d²/d₅²), so that the nearer ones count more and few outputs are equal.
 */
final class NeighborProbe {
  private static final int NEIGHBORS = 5;

  private NeighborProbe() {}

  /** Predicts as {@link RidgeProbe#predict}. */
  static double[][] predict(GramMatrix gram, int[] known, double[][] answers) {
    int columns = answers.length == 0 ? 0 : answers[0].length;
    double[][] predictions = new double[gram.judged()][columns];
    for (int i = 0; i < predictions.length; i++) {
      int row = gram.learning() + i;
      double[] distances = new double[known.length];
      for (int k = 0; k < known.length; k++) {
        double squared = gram.at(row, row) + gram.at(known[k], known[k]);
        distances[k] = Math.max(0, squared - 2 * gram.at(row, known[k]));
      }
      int[] nearest =
          IntStream.range(0, known.length)
              .boxed()
              .sorted(Comparator.comparingDouble(k -> distances[k]))
              .limit(NEIGHBORS)
              .mapToInt(k -> k)
              .toArray();
      double farthest = nearest.length == 0 ? 0 : distances[nearest[nearest.length - 1]];
      double sum = 0;
      for (int k : nearest) {
        double weight = farthest > 0 ? Math.exp(-distances[k] / farthest) : 1;
        sum += weight;
        for (int c = 0; c < columns; c++) {
          predictions[i][c] += weight * answers[k][c];
        }
      }
      for (int c = 0; c < columns; c++) {
        predictions[i][c] /= sum;
      }
    }
    return predictions;
  }
}
