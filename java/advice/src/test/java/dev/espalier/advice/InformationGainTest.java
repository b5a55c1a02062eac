// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.Datasets;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class InformationGainTest {
  private static final int SIZE = 12;
  private static final int WIDTH = 4;
  private static final double RIDGE = 0.01;

  /** Each gain, by whole matrices: tr(A M⁻¹) before less after, as answers come. */
  @Test
  void isByHowMuchTheMeanVarianceFalls() {
    SplittableRandom random = new SplittableRandom(1);
    float[][] features = new float[SIZE][WIDTH];
    float[] uncertainty = new float[SIZE];
    for (int i = 0; i < SIZE; i++) {
      uncertainty[i] = (float) (0.25 * random.nextDouble());
      for (int q = 0; q < WIDTH; q++) {
        features[i][q] = (float) random.nextGaussian();
      }
    }
    AnsweredFeatures known =
        AnsweredFeatures.of(Datasets.of(features, new float[SIZE][1]), AdviceOptions.defaults());
    DesignRows rows = new DesignRows(known, 1);
    double[][] x = new double[SIZE][WIDTH];
    double squares = 0;
    for (int i = 0; i < SIZE; i++) {
      for (int q = 0; q < WIDTH; q++) {
        double[] unit = new double[WIDTH];
        unit[q] = 1;
        x[i][q] = rows.dot(i, unit);
        squares += x[i][q] * x[i][q] / SIZE;
      }
    }
    assertEquals(1, squares, 1e-6);
    double[][] spread = new double[WIDTH][WIDTH];
    for (int i = 0; i < SIZE; i++) {
      add(spread, x[i], uncertainty[i] / (double) SIZE);
    }
    double[][] information = new double[WIDTH][WIDTH];
    for (int q = 0; q < WIDTH; q++) {
      information[q][q] = RIDGE;
    }
    add(information, x[0], uncertainty[0]);
    add(information, x[1], uncertainty[1]);
    int[] candidates = IntStream.range(2, SIZE).toArray();
    InformationGain gain = new InformationGain(rows, uncertainty, new int[] {0, 1}, candidates);
    for (int next : new int[] {7, 3, 11}) {
      double before = trace(spread, information);
      for (int c = 0; c < candidates.length; c++) {
        double[][] after = new double[WIDTH][];
        for (int q = 0; q < WIDTH; q++) {
          after[q] = information[q].clone();
        }
        add(after, x[candidates[c]], uncertainty[candidates[c]]);
        double expected = before - trace(spread, after);
        assertEquals(expected, gain.gain(candidates[c]), 1e-6 * before + 1e-6 * expected);
      }
      gain.answer(next);
      add(information, x[next], uncertainty[next]);
    }
  }

  private static void add(double[][] matrix, double[] x, double weight) {
    for (int q = 0; q < WIDTH; q++) {
      for (int r = 0; r < WIDTH; r++) {
        matrix[q][r] += weight * x[q] * x[r];
      }
    }
  }

  /** tr(A M⁻¹), by elimination. */
  private static double trace(double[][] a, double[][] m) {
    double[][] rows = new double[WIDTH][2 * WIDTH];
    for (int q = 0; q < WIDTH; q++) {
      System.arraycopy(m[q], 0, rows[q], 0, WIDTH);
      System.arraycopy(a[q], 0, rows[q], WIDTH, WIDTH);
    }
    for (int pivot = 0; pivot < WIDTH; pivot++) {
      double factor = rows[pivot][pivot];
      for (int c = 0; c < 2 * WIDTH; c++) {
        rows[pivot][c] /= factor;
      }
      for (int q = 0; q < WIDTH; q++) {
        double times = rows[q][pivot];
        for (int c = 0; q != pivot && c < 2 * WIDTH; c++) {
          rows[q][c] -= times * rows[pivot][c];
        }
      }
    }
    return IntStream.range(0, WIDTH).mapToDouble(q -> rows[q][WIDTH + q]).sum();
  }
}
