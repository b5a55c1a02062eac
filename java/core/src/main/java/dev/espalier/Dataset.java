// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;

/**
 * Examples with known answers: an input each, and for each task a target or nothing.
 *
 * <p><b>Unlabelled</b> entries count in no loss, gradient or metric: NaN in a float target, -1 in a
 * class target, or no target at all. A task without a name (the empty name) belongs to the only
 * head of a network.
 *
 * <p>{@link Datasets} makes them from arrays and files, and from one another.
 *
 * <p><b>Own implementations</b> provide the five abstract methods. Within a {@code fit} or {@code
 * evaluate} one thread at a time reads; it may be another one than the caller's. An exception
 * thrown while reading comes out of {@code fit}.
 */
public interface Dataset {
  /**
   * Returns the number of examples.
   *
   * @return at least 0, always the same
   */
  int size();

  /**
   * Returns the shape of an input.
   *
   * @return always the same shape
   */
  Shape inputShape();

  /**
   * Writes the input of an example, row-major.
   *
   * @param index 0 to {@code size() - 1}
   * @param destination where to write {@code inputShape().size()} values
   * @param offset index of the first value in {@code destination}
   */
  void readInput(int index, float[] destination, int offset);

  /**
   * Returns which tasks have targets, and their form.
   *
   * @return always the same list, each task once
   */
  List<Target> targets();

  /**
   * Writes the target of an example for a task: {@code width} numbers, unlabelled ones as NaN; or
   * one class, as a whole number, unlabelled as -1.
   *
   * @param task one of {@link #targets()}
   * @param index 0 to {@code size() - 1}
   * @param destination where to write
   * @param offset index of the first number in {@code destination}
   * @return false if nothing of this task is labelled for the example; then nothing is written
   */
  boolean readTarget(String task, int index, float[] destination, int offset);

  /**
   * Says whether an example always reads the same. Only then are the features of frozen layers
   * computed once and kept.
   *
   * @return false unless overridden
   */
  default boolean isStable() {
    return false;
  }

  /**
   * Returns the data set as it is in an epoch of training, for what is random per epoch.
   *
   * @param epoch from 0
   * @return this data set unless overridden
   */
  default Dataset atEpoch(int epoch) {
    return this;
  }
}
