// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * Gets told how a {@link Trainer#fit} goes on, on the thread that trains. It may evaluate, save or
 * copy the network, make predictors of it, write parameters, and call {@link Trainer#cancel}. After
 * it has frozen or unfrozen a layer, set a {@link Network#learningRateScale}, or written a
 * parameter of a frozen layer, the next step throws {@link IllegalStateException}. An exception
 * ends training and comes out of {@code fit}.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface TrainingListener {
  /**
   * Called once before the first step.
   *
   * @param epochs epochs to come at most
   * @param steps steps to come at most, all epochs together
   */
  default void onStart(long epochs, long steps) {}

  /**
   * Called after each step. The next batch may be read meanwhile ({@link Trainer#prefetch}): only
   * without prefetching may a listener read from where the training data reads.
   *
   * @param step what the step did
   */
  default void onStep(StepResult step) {}

  /**
   * Called after each epoch, validation included.
   *
   * @param epoch what the epoch did
   */
  void onEpoch(EpochResult epoch);

  /**
   * Called once at the end, not after an exception. The best weights are already back in place.
   *
   * @param history what fit is about to return
   */
  default void onEnd(History history) {}
}
