// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Locale;
import java.util.Objects;
import java.util.Set;

/**
 * A metric and what it was computed from. Undefined is NaN with support 0, never 0. Immutable.
 *
 * <p><b>Conventions.</b> Unlabelled entries count in nothing. A target of a label is yes from 0.5
 * on. What is undefined is left out of means; where nothing is left, the mean is undefined. Ties in
 * a ranking never depend on the order of examples or labels: each metric says how they count.
 * Values equal scikit-learn's where it has the metric. {@link Metrics} says what counts as
 * predicted, and what logits are used for.
 *
 * <ul>
 *   <li>labels: {@link #HAMMING_LOSS}, {@link #SUBSET_ACCURACY}, {@link #MICRO_F1}, {@link
 *       #MACRO_F1}, {@link #MACRO_AUC}, {@link #MEAN_AVERAGE_PRECISION}, {@link
 *       #EXPECTED_CALIBRATION_ERROR}, {@link #RANKING_LOSS}, {@link #ONE_ERROR}, {@link #COVERAGE},
 *       {@link #LRAP}; per label: {@link #AUC}, {@link #AVERAGE_PRECISION}, {@link #PRECISION},
 *       {@link #RECALL}, {@link #F1}, {@link #ACCURACY}, {@link #EXPECTED_CALIBRATION_ERROR};
 *   <li>classes: {@link #ACCURACY}, {@link #TOP5_ACCURACY} (more than five classes), {@link
 *       #LOG_LOSS}, {@link #MACRO_F1}, {@link #EXPECTED_CALIBRATION_ERROR}, and of two classes
 *       {@link #AUC} and {@link #AVERAGE_PRECISION} of the second one; per class: {@link
 *       #PRECISION}, {@link #RECALL}, {@link #F1};
 *   <li>values: {@link #MEAN_SQUARED_ERROR}, {@link #MEAN_ABSOLUTE_ERROR}, {@link #R2}, over all
 *       and per value.
 * </ul>
 *
 * @since 0.1
 */
public final class Metric {
  /** Of labels: wrong entries over labelled entries. Support: entries. */
  public static final String HAMMING_LOSS = "hamming_loss";

  /**
   * Of labels: the share of examples whose labelled entries are all right. Support: examples with a
   * labelled entry.
   */
  public static final String SUBSET_ACCURACY = "subset_accuracy";

  /**
   * Of labels: {@code 2 TP / (2 TP + FP + FN)} over all labelled entries together; undefined where
   * nothing is predicted and nothing is yes. Support: entries.
   */
  public static final String MICRO_F1 = "micro_f1";

  /**
   * Of labels or classes: the mean of {@link #F1} over those where it is defined, all weighing the
   * same. Support: their number.
   */
  public static final String MACRO_F1 = "macro_f1";

  /** Of labels: the mean of {@link #AUC} over those where it is defined. Support: their number. */
  public static final String MACRO_AUC = "macro_auc";

  /**
   * Of labels: the mean of {@link #AVERAGE_PRECISION} over those where it is defined. Support:
   * their number.
   */
  public static final String MEAN_AVERAGE_PRECISION = "mean_average_precision";

  /**
   * Of labels: the mean over examples of the share of pairs of a yes and a no label whose no label
   * ranks at least as high (a tie is wrong); 0 for an example without pairs. Support: examples with
   * a labelled entry.
   */
  public static final String RANKING_LOSS = "ranking_loss";

  /**
   * Of labels: the mean over examples of the share of the first labels (several if tied) that are
   * no. Support: examples with a label that is yes; others are left out.
   */
  public static final String ONE_ERROR = "one_error";

  /**
   * Of labels: the mean over examples of how many labels from the top hold all that are yes, tied
   * ones included; 0 for an example without one. Support: examples with a labelled entry.
   */
  public static final String COVERAGE = "coverage";

  /**
   * Of labels, label ranking average precision: the mean over examples of the mean over labels that
   * are yes of (yes labels ranking at least as high) / (labels ranking at least as high); 1 for an
   * example without pairs. Support: examples with a labelled entry.
   */
  public static final String LRAP = "lrap";

  /**
   * Of a label, or of the second of two classes: the area under the ROC curve, which is the share
   * of pairs of a yes and a no in the right order, ties counting half. Undefined unless there are
   * both. Support: labelled entries.
   */
  public static final String AUC = "auc";

  /**
   * Of a label, or of the second of two classes: the sum over thresholds of gain in recall times
   * precision, not interpolated, tied entries sharing a threshold. Undefined without a yes.
   * Support: labelled entries.
   */
  public static final String AVERAGE_PRECISION = "average_precision";

  /**
   * Of a label or class: {@code 2 TP / (2 TP + FP + FN)}. Undefined where nothing is predicted and
   * nothing is yes. Support: labelled entries.
   */
  public static final String F1 = "f1";

  /** Of a label, or of a task of classes: the share of right answers. Support: labelled entries. */
  public static final String ACCURACY = "accuracy";

  /**
   * Of more than five classes: the share of examples whose class is among the first five, tied ones
   * in the order of classes. Support: labelled examples.
   */
  public static final String TOP5_ACCURACY = "top5_accuracy";

  /**
   * Of classes: the mean of {@code -log} of the probability of the right class, natural logarithm;
   * from probabilities alone they count as at least 2^-23. Support: labelled examples.
   */
  public static final String LOG_LOSS = "log_loss";

  /**
   * Of a label or class: {@code TP / (TP + FP)}. Undefined where nothing is predicted. Support:
   * entries predicted.
   */
  public static final String PRECISION = "precision";

  /**
   * Of a label or class: {@code TP / (TP + FN)}. Undefined where nothing is yes. Support: entries
   * that are yes.
   */
  public static final String RECALL = "recall";

  /**
   * Of labels, one of them, or classes: how far probabilities are from what comes true. Entries are
   * put into 15 bins of equal width, {@code (i/15, (i+1)/15]}, by the probability of yes, or of the
   * predicted class; the distances between mean probability and share of yes (of right answers) are
   * averaged over bins, weighed by their entries. Source: Guo et al. 2017, arXiv:1706.04599.
   * Support: labelled entries.
   */
  public static final String EXPECTED_CALIBRATION_ERROR = "expected_calibration_error";

  /** Of values, or one of them: the mean of squared errors. Support: labelled entries. */
  public static final String MEAN_SQUARED_ERROR = "mean_squared_error";

  /** Of values, or one of them: the mean of absolute errors. Support: labelled entries. */
  public static final String MEAN_ABSOLUTE_ERROR = "mean_absolute_error";

  /**
   * Of values, or one of them: 1 less the sum of squared errors over that of squared distances from
   * the mean of the targets; over all values both sums run over all of them, each with its own
   * mean. Undefined where all targets are equal. Support: labelled entries.
   */
  public static final String R2 = "r2";

  private static final Set<String> LOWER_IS_BETTER =
      Set.of(
          HAMMING_LOSS,
          RANKING_LOSS,
          ONE_ERROR,
          COVERAGE,
          LOG_LOSS,
          EXPECTED_CALIBRATION_ERROR,
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
