// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Locale;
import java.util.Objects;
import java.util.Set;

/**
 * A metric and what it was computed from. Undefined is NaN with support 0, never 0. Immutable.
 *
 * <ul>
 *   <li>labels: {@code hamming_loss, subset_accuracy, micro_f1, macro_f1, macro_auc,
 *       mean_average_precision, ranking_loss, one_error, coverage, lrap}; per label: {@code auc,
 *       average_precision, f1, accuracy};
 *   <li>classes: {@code accuracy, top5_accuracy} (more than five classes), {@code log_loss,
 *       macro_f1}; per class: {@code precision, recall};
 *   <li>values: {@code mean_squared_error, mean_absolute_error, r2}, over all and per value.
 * </ul>
 */
public final class Metric {
  /** Of a task of labels: the share of wrong entries. */
  public static final String HAMMING_LOSS = "hamming_loss";

  /** Of a task of labels: the share of examples without a wrong entry. */
  public static final String SUBSET_ACCURACY = "subset_accuracy";

  /** Of a task of labels: F1 of all entries together. */
  public static final String MICRO_F1 = "micro_f1";

  /** Of a task of labels or classes: the mean of the F1 of each. */
  public static final String MACRO_F1 = "macro_f1";

  /** Of a task of labels: the mean of the areas under the ROC curves. */
  public static final String MACRO_AUC = "macro_auc";

  /** Of a task of labels: the mean of the average precisions. */
  public static final String MEAN_AVERAGE_PRECISION = "mean_average_precision";

  /** Of a task of labels: the share of pairs of labels in the wrong order. */
  public static final String RANKING_LOSS = "ranking_loss";

  /** Of a task of labels: how often the first label is wrong. */
  public static final String ONE_ERROR = "one_error";

  /** Of a task of labels: how far down from the top all true labels are found. */
  public static final String COVERAGE = "coverage";

  /** Of a task of labels: label ranking average precision. */
  public static final String LRAP = "lrap";

  /** Of one label: the area under the ROC curve. */
  public static final String AUC = "auc";

  /** Of one label: the area under the curve of precision by recall, in steps. */
  public static final String AVERAGE_PRECISION = "average_precision";

  /** Of one label: the harmonic mean of precision and recall. */
  public static final String F1 = "f1";

  /** Of one label, or a task of classes: the share of right answers. */
  public static final String ACCURACY = "accuracy";

  /** Of a task of more than five classes: how often the right one is among the first five. */
  public static final String TOP5_ACCURACY = "top5_accuracy";

  /** Of a task of classes: the mean of {@code -log} of the probability of the right class. */
  public static final String LOG_LOSS = "log_loss";

  /** Of one class: the share of right ones among those predicted. */
  public static final String PRECISION = "precision";

  /** Of one class: the share of those there are that were predicted. */
  public static final String RECALL = "recall";

  /** Of a task of values, or one of them. */
  public static final String MEAN_SQUARED_ERROR = "mean_squared_error";

  /** Of a task of values, or one of them. */
  public static final String MEAN_ABSOLUTE_ERROR = "mean_absolute_error";

  /** Of a task of values, or one of them: the coefficient of determination. */
  public static final String R2 = "r2";

  private static final Set<String> LOWER_IS_BETTER =
      Set.of(
          HAMMING_LOSS,
          RANKING_LOSS,
          ONE_ERROR,
          COVERAGE,
          LOG_LOSS,
          MEAN_SQUARED_ERROR,
          MEAN_ABSOLUTE_ERROR);

  private final String name;
  private final String label;
  private final double value;
  private final long support;

  Metric(String name, String label, double value, long support) {
    this.name = Objects.requireNonNull(name, "name");
    this.label = Objects.requireNonNull(label, "label");
    this.value = value;
    this.support = support;
  }

  /**
   * Returns the name of the metric.
   *
   * @return one of the constants of this class
   */
  public String name() {
    return name;
  }

  /**
   * Returns what the metric is about.
   *
   * @return a label, class or value, or "" for the whole task
   */
  public String label() {
    return label;
  }

  /**
   * Returns the value.
   *
   * @return NaN if undefined
   */
  public double value() {
    return value;
  }

  /**
   * Returns the number of entries, examples or labels that the value was computed from.
   *
   * @return 0 if undefined
   */
  public long support() {
    return support;
  }

  /**
   * Returns true if the metric has a value.
   *
   * @return false if there was nothing to compute it from
   */
  public boolean isDefined() {
    return !Double.isNaN(value);
  }

  /**
   * Returns whether a larger value is better, as for accuracy, or worse, as for a loss.
   *
   * @return true if larger is better
   */
  public boolean higherIsBetter() {
    return !LOWER_IS_BETTER.contains(name);
  }

  /** Returns true for a metric of the same name, label, value and support; NaN equals NaN. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Metric metric
        && name.equals(metric.name)
        && label.equals(metric.label)
        && Double.compare(value, metric.value) == 0
        && support == metric.support;
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, label, value, support);
  }

  /** Returns name, label, value and support in one line. */
  @Override
  public String toString() {
    return name
        + (label.isEmpty() ? "" : " of " + label)
        + (isDefined()
            ? String.format(Locale.ROOT, " %.4f (support %,d)", value, support)
            : " undefined");
  }
}
