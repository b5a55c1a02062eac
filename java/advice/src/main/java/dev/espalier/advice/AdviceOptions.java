// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.CheckReturnValue;
import java.util.Objects;
import java.util.Optional;

/**
 * How {@link LabelAdvice} and {@link LabelRegime} look at labels. Immutable; each method returns a
 * changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class AdviceOptions {
  private final Optional<String> task;
  private final int folds;
  private final long seed;

  private AdviceOptions(Optional<String> task, int folds, long seed) {
    this.task = task;
    this.folds = folds;
    this.seed = seed;
  }

  /**
   * Returns options for a data set with one task: five folds, seed 0.
   *
   * @return the options
   */
  public static AdviceOptions defaults() {
    return new AdviceOptions(Optional.empty(), 5, 0);
  }

  /**
   * Chooses a task. Default: the only one that there is.
   *
   * @param task name of a task that the data set has targets of
   * @return changed options
   */
  public AdviceOptions task(String task) {
    return new AdviceOptions(Optional.of(Objects.requireNonNull(task, "task")), folds, seed);
  }

  /**
   * Sets in how many parts the data are cut for cross-validation. Default 5.
   *
   * @param folds 2 to 100; where there are fewer labelled examples, as many as those
   * @return changed options
   * @throws IllegalArgumentException if the number is out of its range
   */
  public AdviceOptions folds(int folds) {
    if (folds < 2 || folds > 100) {
      throw new IllegalArgumentException("folds: expected 2 to 100, got " + folds);
    }
    return new AdviceOptions(task, folds, seed);
  }

  /**
   * Sets the seed of all chance: the folds, and the heads' first weights. Default 0.
   *
   * @param seed any number
   * @return changed options
   */
  public AdviceOptions seed(long seed) {
    return new AdviceOptions(task, folds, seed);
  }

  Optional<String> task() {
    return task;
  }

  int folds() {
    return folds;
  }

  long seed() {
    return seed;
  }

  /** Returns for example {@code "AdviceOptions[the only task, 5 folds, seed 0]"}. */
  @Override
  public String toString() {
    return "AdviceOptions["
        + task.map(name -> "task \"" + name + "\"").orElse("the only task")
        + ", "
        + folds
        + " folds, seed "
        + seed
        + ']';
  }
}
