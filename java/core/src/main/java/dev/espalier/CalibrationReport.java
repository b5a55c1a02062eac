// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalDouble;

/**
 * What {@link Network#calibrate} did. Immutable.
 *
 * <p>Thresholds that were set ({@link Network#setThresholds}, {@link Network#tuneThresholds})
 * become those that the new probabilities reach where the old ones reached the old: the answers
 * stay the same, but for probabilities that are equal in float now. Labels whose thresholds were
 * never set keep 0.5, which honest probabilities give a meaning. The report lists both.
 *
 * @since 0.1
 */
public final class CalibrationReport {
  private final List<Entry> entries;

  CalibrationReport(List<Entry> entries) {
    this.entries = List.copyOf(entries);
  }

  /**
   * Returns what was done to each label, and to each task of classes.
   *
   * @return entries in the order of tasks and labels; none of tasks without targets and of values
   */
  public List<Entry> entries() {
    return entries;
  }

  /**
   * Returns what was done to a task of classes.
   *
   * @param task name of the task
   * @return its entry
   * @throws IllegalArgumentException if there is none, naming those that there are
   */
  public Entry entry(String task) {
    return entry(task, "");
  }

  /**
   * Returns what was done to a label.
   *
   * @param task name of the task
   * @param label name of the label
   * @return its entry
   * @throws IllegalArgumentException if there is none, naming those that there are
   */
  public Entry entry(String task, String label) {
    Objects.requireNonNull(task, "task");
    Objects.requireNonNull(label, "label");
    for (Entry entry : entries) {
      if (entry.task.equals(task) && entry.label.equals(label)) {
        return entry;
      }
    }
    throw new IllegalArgumentException(
        "expected one of "
            + entries.stream().map(e -> Entry.name(e.task, e.label)).toList()
            + ", got "
            + Entry.name(task, label));
  }

  /** Returns a table: a line an entry, which says where logits were left as they were. */
  @Override
  public String toString() {
    List<String[]> rows = new ArrayList<>();
    rows.add(
        new String[] {
          "calibration", "scale", "bias", "known", "log loss", "after", "threshold", "after", ""
        });
    for (Entry entry : entries) {
      rows.add(
          new String[] {
            Entry.name(entry.task, entry.label),
            number(entry.scale),
            number(entry.bias),
            String.format(Locale.ROOT, "%,d", entry.labelledCount),
            number(entry.logLossBefore),
            number(entry.logLossAfter),
            number(entry.thresholdBefore),
            number(entry.thresholdAfter),
            entry.isUnchanged() ? "left as it was" : ""
          });
    }
    return TextTable.of(rows);
  }

  private static String number(OptionalDouble value) {
    return value.isPresent() ? number(value.getAsDouble()) : "";
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }

  /**
   * What was done to the logits of one label, or of all classes of a task: they became {@code scale
   * * logit + bias}. Immutable.
   */
  public static final class Entry {
    private final String task;
    private final String label;
    private final double scale;
    private final double bias;
    private final long labelledCount;
    private final double logLossBefore;
    private final double logLossAfter;
    private final OptionalDouble thresholdBefore;
    private final OptionalDouble thresholdAfter;

    Entry(
        String task,
        String label,
        LogitScaling scaling,
        long labelledCount,
        OptionalDouble thresholdBefore,
        OptionalDouble thresholdAfter) {
      this.task = task;
      this.label = label;
      scale = scaling.scale();
      bias = scaling.bias();
      this.labelledCount = labelledCount;
      logLossBefore = scaling.lossBefore();
      logLossAfter = scaling.lossAfter();
      this.thresholdBefore = thresholdBefore;
      this.thresholdAfter = thresholdAfter;
    }

    /**
     * Returns the name of the task.
     *
     * @return a task of labels or classes
     */
    public String task() {
      return task;
    }

    /**
     * Returns the name of the label.
     *
     * @return "" for a task of classes, whose logits share one scale
     */
    public String label() {
      return label;
    }

    /**
     * Returns what the logits were multiplied by.
     *
     * @return above 1 where the network was not sure enough, below 1 where it was too sure; 1 where
     *     nothing was to be learnt, or the fit gave no smaller log loss
     */
    public double scale() {
      return scale;
    }

    /**
     * Returns what was added to the scaled logits.
     *
     * @return 0 for classes, and where the scale is 1 as nothing was learnt
     */
    public double bias() {
      return bias;
    }

    /**
     * Returns the number of labelled entries that scale and bias were fitted to.
     *
     * @return at least 0
     */
    public long labelledCount() {
      return labelledCount;
    }

    /**
     * Returns the mean of {@code -log} of the probability of the known answer, before.
     *
     * @return NaN if there are no labelled entries
     */
    public double logLossBefore() {
      return logLossBefore;
    }

    /**
     * Returns the mean of {@code -log} of the probability of the known answer, with the new logits.
     *
     * @return at most {@link #logLossBefore}; NaN if there are no labelled entries
     */
    public double logLossAfter() {
      return logLossAfter;
    }

    /**
     * Returns from which probability on the label counted as true.
     *
     * @return 0.5 if none was set; empty for classes
     */
    public OptionalDouble thresholdBefore() {
      return thresholdBefore;
    }

    /**
     * Returns from which of the new probabilities on the label counts as true.
     *
     * @return the threshold that gives the answers of before, if one was set, else 0.5; empty for
     *     classes
     */
    public OptionalDouble thresholdAfter() {
      return thresholdAfter;
    }

    private boolean isUnchanged() {
      return scale == 1 && bias == 0;
    }

    private static String name(String task, String label) {
      return label.isEmpty() ? task : task + "/" + label;
    }

    /** Returns what was done, in one line. */
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%s: logit * %.4f + %.4f, log loss %.4f to %.4f of %,d known",
          name(task, label),
          scale,
          bias,
          logLossBefore,
          logLossAfter,
          labelledCount);
    }
  }
}
