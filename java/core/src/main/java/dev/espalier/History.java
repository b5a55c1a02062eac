// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;

/**
 * What happened in one {@link Trainer#fit}. Immutable.
 *
 * @since 0.1
 */
public final class History {
  private final List<EpochResult> epochs;
  private final StopReason stopReason;
  private final long steps;
  private final OptionalInt bestEpoch;
  private final long prefixExamples;
  private final boolean isCached;
  private final String cacheNote;
  private final List<String> warnings;
  private final double seconds;

  History(
      List<EpochResult> epochs,
      StopReason stopReason,
      long steps,
      OptionalInt bestEpoch,
      long prefixExamples,
      boolean isCached,
      String cacheNote,
      List<String> warnings,
      double seconds) {
    this.epochs = List.copyOf(epochs);
    this.stopReason = stopReason;
    this.steps = steps;
    this.bestEpoch = bestEpoch;
    this.prefixExamples = prefixExamples;
    this.isCached = isCached;
    this.cacheNote = cacheNote;
    this.warnings = List.copyOf(warnings);
    this.seconds = seconds;
  }

  /**
   * Returns the epochs.
   *
   * @return one entry an epoch, an unfinished last one included unless an exception ended it
   */
  public List<EpochResult> epochs() {
    return epochs;
  }

  /**
   * Returns the last epoch.
   *
   * @return the last entry of {@link #epochs}
   * @throws IllegalStateException if there is none
   */
  public EpochResult last() {
    if (epochs.isEmpty()) {
      throw new IllegalStateException("expected at least one epoch, got none");
    }
    return epochs.get(epochs.size() - 1);
  }

  /**
   * Returns why training ended.
   *
   * @return the reason
   */
  public StopReason stopReason() {
    return stopReason;
  }

  /**
   * Returns the steps of all epochs.
   *
   * @return at least 0
   */
  public long steps() {
    return steps;
  }

  /**
   * Returns the epoch whose weights were put back at the end.
   *
   * @return empty without {@link Trainer#keepBest} and {@link Trainer#earlyStopping}, where what
   *     they watch was never defined (a warning says so), and after an exception other than {@link
   *     NonFiniteException}
   */
  public OptionalInt bestEpoch() {
    return bestEpoch;
  }

  /**
   * Returns how many examples ran through the frozen prefix of the network.
   *
   * @return where features are kept, each example of the data set, and of the validation data,
   *     once; those that a given {@link FeatureCache} knew already, not at all
   */
  public long prefixExamples() {
    return prefixExamples;
  }

  /**
   * Returns whether features of frozen layers were computed once and kept.
   *
   * @return see {@link #cacheNote}
   */
  public boolean isCached() {
    return isCached;
  }

  /**
   * Returns why features were kept or not.
   *
   * @return a line for people
   */
  public String cacheNote() {
    return cacheNote;
  }

  /**
   * Returns what is probably not as it was meant: features that could not be kept as the data set
   * does not say that it is stable, labels without a known yes or no, a watched metric that was
   * never defined. Each was logged, too, as a warning of the {@link System.Logger} "dev.espalier".
   *
   * @return lines for people, none if all is well
   */
  public List<String> warnings() {
    return warnings;
  }

  /**
   * Returns the wall-clock time in all.
   *
   * @return seconds
   */
  public double seconds() {
    return seconds;
  }

  /** Returns a line for each epoch and one for the whole. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    epochs.forEach(epoch -> text.append(epoch).append('\n'));
    text.append(
        String.format(
            Locale.ROOT,
            "%d epochs, %,d steps, %.2f s; ended by %s",
            epochs.size(),
            steps,
            seconds,
            stopReason));
    bestEpoch.ifPresent(best -> text.append("; weights of epoch ").append(best));
    text.append(cacheNote.isEmpty() ? "" : "; features " + cacheNote);
    warnings.forEach(warning -> text.append("\nwarning: ").append(warning));
    return text.toString();
  }

  /** Why training ended. */
  public enum StopReason {
    /** All epochs were done. */
    EPOCHS,
    /** The limit of steps was reached. */
    STEPS,
    /** The watched value had not become better for as many epochs as allowed. */
    EARLY_STOPPING,
    /** The time limit was reached. */
    TIME_LIMIT,
    /** {@link Trainer#cancel} was called. */
    CANCELLED,
    /** The training thread was interrupted; its interrupt flag is still set. */
    INTERRUPTED,
    /**
     * An exception ended training; see {@link Trainer#lastHistory}. One from {@link
     * TrainingListener#onEnd} comes after the end, and changes nothing here.
     */
    FAILED
  }
}
