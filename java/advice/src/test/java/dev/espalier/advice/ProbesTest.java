// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Shape;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ProbesTest {
  private static Dataset rows(int count, int width, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count * width];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (3 + 2 * random.nextGaussian());
    }
    return Datasets.of(values, Shape.vector(width));
  }

  /** What is learned without noise is found again on rows that were not seen. */
  @Test
  void ridgeFindsALinearRule() {
    Dataset learn = rows(80, 5, 1);
    Dataset judge = rows(30, 5, 2);
    double[][] answers = new double[80][1];
    for (int i = 0; i < 80; i++) {
      answers[i][0] = rule(learn, i);
    }
    GramMatrix gram = GramMatrix.of(learn, judge);
    double[][] predictions = RidgeProbe.predict(gram, IntStream.range(0, 80).toArray(), answers);
    for (int i = 0; i < 30; i++) {
      assertEquals(rule(judge, i), predictions[i][0], 0.1);
    }
  }

  private static double rule(Dataset data, int example) {
    float[] x = Datasets.input(data, example);
    return 0.2 * x[0] - 0.1 * x[3];
  }

  /** Noise is answered by the mean: the largest penalty wins. */
  @Test
  void ridgeLeavesNoiseAlone() {
    Random random = new Random(4);
    double[][] answers = new double[40][1];
    double mean = 0;
    for (double[] row : answers) {
      row[0] = random.nextGaussian();
      mean += row[0] / 40;
    }
    GramMatrix gram = GramMatrix.of(rows(40, 60, 1), rows(30, 60, 2));
    for (double[] row : RidgeProbe.predict(gram, IntStream.range(0, 40).toArray(), answers)) {
      assertEquals(mean, row[0], 0.3);
    }
  }

  @Test
  void neighborsAnswerAsTheNearestDo() {
    float[] places = new float[40];
    double[][] answers = new double[40][1];
    for (int i = 0; i < 40; i++) {
      places[i] = i < 20 ? i * 0.01f : 10 + i * 0.01f;
      answers[i][0] = i < 20 ? 0 : 1;
    }
    Dataset learn = Datasets.of(places, Shape.vector(1));
    Dataset judge = Datasets.of(new float[] {0.1f, 10.1f}, Shape.vector(1));
    GramMatrix gram = GramMatrix.of(learn, judge);
    double[][] predictions = NeighborProbe.predict(gram, IntStream.range(0, 40).toArray(), answers);
    assertEquals(0, predictions[0][0], 1e-9);
    assertEquals(1, predictions[1][0], 1e-9);
  }

  @Test
  void largePicturesAndVectorsArePooled() {
    for (Shape shape :
        new Shape[] {Shape.image(3, 50, 41), Shape.vector(5000), Shape.of(2, 4000)}) {
      float[] values = new float[6 * shape.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = new Random(i).nextFloat();
      }
      Dataset data = Datasets.of(values, shape);
      GramMatrix gram = GramMatrix.of(Datasets.range(data, 0, 4), Datasets.range(data, 4, 6));
      assertEquals(2, gram.judged());
      double mean = 0;
      for (int i = 0; i < 4; i++) {
        mean += gram.at(i, i) / 4;
      }
      assertEquals(1, mean, 1e-3, shape.toString());
    }
  }

  @Test
  void whatNeverVariesSaysNothing() {
    Dataset data = Datasets.of(new float[] {7, 7, 7, 7}, Shape.vector(1));
    GramMatrix gram = GramMatrix.of(data, data);
    assertEquals(0, gram.at(0, 0));
    double[][] answers = {{1}, {0}, {1}, {0}};
    double[][] ridge = RidgeProbe.predict(gram, new int[] {0, 1, 2, 3}, answers);
    double[][] neighbors = NeighborProbe.predict(gram, new int[] {0, 1, 2, 3}, answers);
    assertEquals(0.5, ridge[0][0]);
    assertTrue(neighbors[0][0] >= 0 && neighbors[0][0] <= 1);
  }
}
