// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.Dataset;
import dev.espalier.Shape;

/**
 * Products of all pairs of rows of features: those to learn from first, then those to judge by.
 * Each feature has mean 0 and variance 1 over the rows to learn from, and the products are divided
 * by the number of features, so that the diagonal is about 1 whatever the layer.
 */
final class GramMatrix {
  /** Features a row; pictures of more are averaged over squares of pixels. */
  static final int MOST_FEATURES = 1024;

  private final double[][] products;
  private final int learning;

  private GramMatrix(double[][] products, int learning) {
    this.products = products;
    this.learning = learning;
  }

  /** Computes it of what a layer, or the input, is for some examples and for others. */
  static GramMatrix of(Dataset toLearnFrom, Dataset toJudgeBy) {
    int learning = toLearnFrom.size();
    float[][] rows = new float[learning + toJudgeBy.size()][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = i < learning ? row(toLearnFrom, i) : row(toJudgeBy, i - learning);
    }
    standardize(rows, learning);
    double[][] products = new double[rows.length][rows.length];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j <= i; j++) {
        products[i][j] = i < learning || j < learning || i == j ? product(rows[i], rows[j]) : 0;
        products[j][i] = products[i][j];
      }
    }
    return new GramMatrix(products, learning);
  }

  private static float[] row(Dataset data, int example) {
    Shape shape = data.inputShape();
    float[] values = new float[shape.size()];
    data.readInput(example, values, 0);
    return values.length <= MOST_FEATURES ? values : pooled(values, shape.dims());
  }

  /** Averages each channel of a picture, or runs of a vector, to at most {@link #MOST_FEATURES}. */
  private static float[] pooled(float[] values, int[] dims) {
    int channels = dims.length == 3 ? Math.min(dims[0], MOST_FEATURES) : 1;
    int height = dims.length == 3 ? dims[1] : 1;
    int width = values.length / (dims.length == 3 ? dims[0] : 1) / height;
    int side = (int) Math.sqrt((double) MOST_FEATURES / channels);
    int rows = Math.min(height, dims.length == 3 ? side : 1);
    int columns = Math.min(width, dims.length == 3 ? side : MOST_FEATURES);
    float[] pooled = new float[channels * rows * columns];
    int next = 0;
    for (int c = 0; c < channels; c++) {
      for (int y = 0; y < rows; y++) {
        for (int x = 0; x < columns; x++) {
          double sum = 0;
          int count = 0;
          for (int top = y * height / rows; top < (y + 1) * height / rows; top++) {
            int left = (int) ((long) x * width / columns);
            for (; left < (int) ((long) (x + 1) * width / columns); left++) {
              sum += values[(c * height + top) * width + left];
              count++;
            }
          }
          pooled[next++] = (float) (sum / count);
        }
      }
    }
    return pooled;
  }

  private static void standardize(float[][] rows, int learning) {
    int width = rows[0].length;
    for (int c = 0; c < width; c++) {
      double sum = 0;
      double squares = 0;
      for (int i = 0; i < learning; i++) {
        sum += rows[i][c];
        squares += (double) rows[i][c] * rows[i][c];
      }
      double mean = sum / learning;
      double variance = squares / learning - mean * mean;
      // What never varies, rounding aside, says nothing.
      boolean isConstant = !(variance > 1e-10 * (1e-10 + squares / learning));
      double scale = isConstant ? 0 : 1 / Math.sqrt(variance * width);
      for (float[] row : rows) {
        row[c] = (float) ((row[c] - mean) * scale);
      }
    }
  }

  /** Four sums side by side, in a fixed order. */
  private static double product(float[] a, float[] b) {
    double sum0 = 0;
    double sum1 = 0;
    double sum2 = 0;
    double sum3 = 0;
    int i = 0;
    for (; i + 3 < a.length; i += 4) {
      sum0 += a[i] * b[i];
      sum1 += a[i + 1] * b[i + 1];
      sum2 += a[i + 2] * b[i + 2];
      sum3 += a[i + 3] * b[i + 3];
    }
    for (; i < a.length; i++) {
      sum0 += a[i] * b[i];
    }
    return sum0 + sum1 + (sum2 + sum3);
  }

  /** Returns how many rows there are to learn from. */
  int learning() {
    return learning;
  }

  /** Returns how many rows there are to judge by. */
  int judged() {
    return products.length - learning;
  }

  /** Returns the product of two rows; zero of two that are to judge by. */
  double at(int i, int j) {
    return products[i][j];
  }
}
