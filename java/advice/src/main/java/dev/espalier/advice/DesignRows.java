// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Features as {@link InformationGain} reads them: of mean square norm 1, and so few that matrices
 * of their width squared have room, two for each label. More are mixed into fewer at random, which
 * keeps products of rows about as they are (feature hashing: Weinberger et al. 2009,
 * arXiv:0902.2206).
 */
final class DesignRows {
  private static final int MOST_WIDTH = 256;
  private static final int LEAST_WIDTH = 16;

  /** Of all labels' matrices together, numbers of 8 bytes; there are two a label. */
  private static final double MOST_NUMBERS = 0x1p24;

  /** So many examples tell how all are spread. */
  private static final int MOST_SPREAD = 10_000;

  private final int size;
  private final int width;
  private final float[] rows;

  DesignRows(AnsweredFeatures known, long seed) {
    size = known.size();
    int labels = known.names().size();
    int most = (int) Math.min(MOST_WIDTH, Math.sqrt(MOST_NUMBERS / labels));
    most = Math.max(LEAST_WIDTH, most);
    width = Math.min(most, known.width());
    rows = width == known.width() ? known.features().clone() : mixed(known, seed);
    double squares = 0;
    for (float value : rows) {
      squares += (double) value * value;
    }
    float factor = squares > 0 ? (float) Math.sqrt(size / squares) : 0;
    for (int i = 0; i < rows.length; i++) {
      rows[i] *= factor;
    }
  }

  /** Adds each feature to one of the fewer, or takes it away from that. */
  private float[] mixed(AnsweredFeatures known, long seed) {
    float[] features = known.features();
    int all = known.width();
    SplittableRandom random = new SplittableRandom(seed);
    int[] targets = random.ints(all, 0, width).toArray();
    float[] signs = new float[all];
    for (int r = 0; r < all; r++) {
      signs[r] = random.nextBoolean() ? 1 : -1;
    }
    float[] mixed = new float[size * width];
    for (int i = 0; i < size; i++) {
      for (int r = 0; r < all; r++) {
        mixed[i * width + targets[r]] += signs[r] * features[i * all + r];
      }
    }
    return mixed;
  }

  int width() {
    return width;
  }

  double dot(int example, double[] vector) {
    double sum = 0;
    int first = example * width;
    for (int q = 0; q < width; q++) {
      sum += rows[first + q] * vector[q];
    }
    return sum;
  }

  /** Writes a symmetric matrix, [width, width], times an example's row. */
  void multiply(double[] matrix, int example, double[] product) {
    Arrays.fill(product, 0);
    for (int q = 0; q < width; q++) {
      double value = rows[example * width + q];
      for (int r = 0; r < width; r++) { // in this order, the JVM makes vectors of it
        product[r] += value * matrix[q * width + r];
      }
    }
  }

  /** Returns the mean of weight · x xᵀ over examples, of very many over some, evenly spread. */
  double[] spread(float[] weights) {
    double[] spread = new double[width * width];
    int count = Math.min(size, MOST_SPREAD);
    for (int k = 0; k < count; k++) {
      int example = (int) ((long) k * size / count);
      int first = example * width;
      double weight = weights[example] / (double) count;
      for (int q = 0; q < width; q++) {
        double scaled = weight * rows[first + q];
        for (int r = 0; r <= q; r++) {
          spread[q * width + r] += scaled * rows[first + r];
        }
      }
    }
    for (int q = 0; q < width; q++) {
      for (int r = 0; r < q; r++) {
        spread[r * width + q] = spread[q * width + r];
      }
    }
    return spread;
  }
}
