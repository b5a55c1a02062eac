// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Objects;
import java.util.Set;

/**
 * A metric and what it was computed from. Undefined is NaN with support 0, never 0.
 *
 * <ul>
 *   <li>labels: {@code hamming_loss, subset_accuracy, micro_f1, macro_f1, macro_auc,
 *       mean_average_precision, ranking_loss, one_error, coverage, lrap}; per label: {@code auc,
 *       average_precision, f1, accuracy};
 *   <li>classes: {@code accuracy, top5_accuracy} (more than five classes), {@code log_loss,
 *       macro_f1}; per class: {@code precision, recall};
 *   <li>values: {@code mean_squared_error, mean_absolute_error, r2}, over all and per value.
 * </ul>
 *
 * @param name name of the metric
 * @param label label, class or value that it is about, or "" for the whole task
 * @param value its value, NaN if undefined
 * @param support number of entries, pairs or examples that it was computed from
 */
public record Metric(String name, String label, double value, long support) {
  private static final Set<String> LOWER_IS_BETTER =
      Set.of(
          "hamming_loss",
          "ranking_loss",
          "one_error",
          "coverage",
          "log_loss",
          "mean_squared_error",
          "mean_absolute_error");

  /**
   * Checks for nulls.
   *
   * @param name as for the record
   * @param label as for the record
   * @param value as for the record
   * @param support as for the record
   * @throws NullPointerException if name or label is null
   */
  public Metric {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(label, "label");
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
}
