// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * What happened in one {@link Trainer#fit}.
 *
 * @param epochs one entry an epoch, an unfinished last one included unless an exception ended it
 * @param stopReason why training ended
 * @param steps steps in all
 * @param bestEpoch epoch whose weights were put back at the end; empty without early stopping, and
 *     after an exception
 * @param prefixExamples examples that ran through the frozen prefix of the network: with a feature
 *     cache, each example of the data set, and of the validation data, once
 * @param isCached true if features of frozen layers were computed once and kept
 * @param cacheNote why features were kept or not, for people
 * @param seconds wall-clock time in all
 */
public record History(
    List<EpochResult> epochs,
    StopReason stopReason,
    long steps,
    OptionalInt bestEpoch,
    long prefixExamples,
    boolean isCached,
    String cacheNote,
    double seconds) {
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

  /**
   * Copies the list.
   *
   * @param epochs as for the record
   * @param stopReason as for the record
   * @param steps as for the record
   * @param bestEpoch as for the record
   * @param prefixExamples as for the record
   * @param isCached as for the record
   * @param cacheNote as for the record
   * @param seconds as for the record
   * @throws NullPointerException if a component is null
   */
  public History {
    epochs = List.copyOf(Objects.requireNonNull(epochs, "epochs"));
    Objects.requireNonNull(stopReason, "stopReason");
    Objects.requireNonNull(bestEpoch, "bestEpoch");
    Objects.requireNonNull(cacheNote, "cacheNote");
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
}
