// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * The cross entropy of labels, with known answers weighted so that they stand for those that are
 * not known: an answer that was unlikely to be given counts more. For data whose labelled examples
 * differ from the others. Horvitz and Thompson 1952; Schnabel et al. 2016, arXiv:1602.05352.
 *
 * <p>With e the propensity of an entry, the probability that its answer is known given its input,
 * and ē its mean over the examples:
 *
 * <pre>  w (softplus(z) - y z),   w = min(ē / e, most):</pre>
 *
 * <p>about 1 on average over the known entries of a label. It is right as far as the propensities
 * are, and as no example's is 0: what is never labelled can't be made up for.
 *
 * <p>The weights are the training data's: evaluations have the loss without them. Unlabelled
 * entries have no effect; the head's own settings have none either, as with every {@link Loss}.
 * Immutable; each setting returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class InversePropensityLoss implements Loss {
  private static final double USUAL_MOST = 10;

  private final Map<String, Integer> columns; // of labels, by name
  private final float[][] weights; // ē / e
  private final double most;

  private InversePropensityLoss(Map<String, Integer> columns, float[][] weights, double most) {
    this.columns = columns;
    this.weights = weights;
    this.most = most;
  }

  /**
   * Returns the loss, with weights of at most 10.
   *
   * @param labels names of all labels of the head, in the order of the columns of {@code
   *     propensities}
   * @param propensities [examples][labels] of the data set that is trained on, or of one with the
   *     same examples at the same places: from 0 to 1, as espalier-advice's {@code LabelRegime}
   *     estimates them. They are copied
   * @return the loss
   * @throws ShapeException if there is no row, or one has not as many numbers as there are labels
   * @throws IllegalArgumentException if a propensity is not from 0 to 1, or a label is named twice
   */
  public static InversePropensityLoss of(List<String> labels, float[][] propensities) {
    int width = Objects.requireNonNull(labels, "labels").size();
    Map<String, Integer> columns = new HashMap<>();
    for (String label : labels) {
      if (columns.put(Objects.requireNonNull(label, "labels"), columns.size()) != null) {
        throw new IllegalArgumentException("labels: expected each once, got " + label + " twice");
      }
    }
    if (Objects.requireNonNull(propensities, "propensities").length == 0) {
      throw new ShapeException("propensities: expected a row an example, got none");
    }
    double[] means = new double[width];
    for (int i = 0; i < propensities.length; i++) {
      float[] row = Objects.requireNonNull(propensities[i], "propensities");
      if (row.length != width) {
        throw new ShapeException(
            "propensities: expected rows of " + width + ", got " + row.length + " in row " + i);
      }
      for (int j = 0; j < width; j++) {
        if (!(row[j] >= 0 && row[j] <= 1)) {
          throw new IllegalArgumentException(
              "propensities: expected 0 to 1, got " + row[j] + " in row " + i + ", column " + j);
        }
        means[j] += row[j] / (double) propensities.length;
      }
    }
    float[][] weights = new float[propensities.length][width];
    for (int i = 0; i < weights.length; i++) {
      for (int j = 0; j < width; j++) {
        // Of a label that never is known, whatever its weight: there is nothing to weight.
        weights[i][j] = means[j] == 0 ? 1 : (float) (means[j] / propensities[i][j]);
      }
    }
    return new InversePropensityLoss(columns, weights, USUAL_MOST);
  }

  /**
   * Sets the largest weight: less of it is less variance, and more bias. Default 10.
   *
   * @param most finite, at least 1
   * @return changed loss
   * @throws IllegalArgumentException if it is out of its range
   */
  public InversePropensityLoss mostWeight(double most) {
    return new InversePropensityLoss(
        columns, weights, Arguments.inRange("most", most, 1, Double.MAX_VALUE));
  }

  @Override
  public double compute(LossBatch batch) {
    Logistic.requireLabels("inverse propensity", Objects.requireNonNull(batch, "batch"));
    int[] column = columnsOf(batch.task());
    double sum = 0;
    for (int i = 0; i < batch.logits().length; i++) {
      if (batch.mask()[i]) {
        double z = batch.logits()[i];
        double y = batch.targets()[i];
        double weight = batch.isTraining() ? weight(batch, i, column) : 1;
        sum += weight * (Logistic.softplus(z) - y * z);
        batch.gradients()[i] = (float) (weight * (Logistic.sigmoid(z) - y));
      }
    }
    return sum;
  }

  /** Returns where the propensities of a task's labels are. */
  private int[] columnsOf(Task task) {
    if (!columns.keySet().equals(Set.copyOf(task.outputNames()))) {
      throw new IllegalArgumentException(
          "inverse propensity: expected the labels "
              + columns.keySet()
              + ", as there are propensities, got "
              + task);
    }
    return task.outputNames().stream().mapToInt(columns::get).toArray();
  }

  private double weight(LossBatch batch, int entry, int[] column) {
    int place = batch.place(entry / batch.width());
    if (place >= weights.length) {
      throw new IllegalArgumentException(
          "inverse propensity: expected the data set of the propensities, of "
              + weights.length
              + " examples, got example "
              + place);
    }
    return Math.min(most, weights[place][column[entry % batch.width()]]);
  }

  /** Returns for example {@code "InversePropensityLoss[1000 examples, 4 labels, at most 10.0]"}. */
  @Override
  public String toString() {
    return "InversePropensityLoss["
        + weights.length
        + " examples, "
        + columns.size()
        + " labels, at most "
        + most
        + ']';
  }
}
