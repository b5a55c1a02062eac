// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;

/**
 * Examples with known answers: an input each, and for each task a target or nothing.
 *
 * <p><b>Unlabelled</b> entries count in no loss, gradient or metric: NaN in a float target, -1 in a
 * class target, or no target at all. A task without a name (the empty name) belongs to the only
 * head of a network; other tasks are matched to heads by name, and so are their labels, values or
 * classes where the {@link Target} names them.
 *
 * <p>{@link Datasets} makes data sets from arrays and lists, and from one another. Those of files
 * are in the artifact espalier-data, those of texts in espalier-text.
 *
 * <p><b>Own implementations</b> provide the five abstract methods, and override {@link #isStable}
 * if they can. Within a {@code fit} or {@code evaluate} one thread at a time reads; it may be
 * another one than the caller's, and which one may change. An exception thrown while reading comes
 * out of {@code fit}. What an implementation promises is checked where that costs nothing: a view
 * of an epoch whose size, input shape or targets are not those of before is refused; so are, in
 * training and evaluation, inputs and targets that were not written.
 *
 * @since 0.1
 */
public interface Dataset {
  /**
   * Returns the number of examples.
   *
   * @return at least 0, always the same
   */
  int size();

  /**
   * Returns the shape of an input; where there are several, a vector of the values of all.
   *
   * @return always the same shape
   */
  Shape inputShape();

  /**
   * Returns the inputs, in the order in which {@link #readInput} writes them one after another. A
   * network with several takes them by name. {@link InputDatasets} makes them of one each.
   *
   * @return always the same list; empty, unless overridden: one input of floats without a name
   */
  default List<Input> inputs() {
    return List.of();
  }

  /**
   * Writes the input of an example, row-major: every value of it, integers as whole numbers. In
   * training and evaluation a value left out is refused as not finite; it never is what another
   * example had there.
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
   * one class, as a whole number, unlabelled as -1. A number left out is refused.
   *
   * @param task the task of one of {@link #targets()}
   * @param index 0 to {@code size() - 1}
   * @param destination where to write
   * @param offset index of the first number in {@code destination}
   * @return false if nothing of this task is labelled for the example; then nothing is written
   */
  boolean readTarget(String task, int index, float[] destination, int offset);

  /**
   * Says whether an example always reads the same. Only then are the features of frozen layers
   * computed once and kept, which makes training of heads many times faster. {@link Datasets#cache}
   * makes a stable one of any.
   *
   * @return false unless overridden
   */
  default boolean isStable() {
    return false;
  }

  /**
   * Hears which inputs are going to be read next, in this order, so that what is slow to read can
   * be prepared on threads of its own: while a network trains on a batch, the next one is read. It
   * is no promise: others may be read, or fewer. What an earlier call said counts no more.
   *
   * @param examples 0 to {@code size() - 1} each, an array to be left as it is
   */
  default void expect(int[] examples) {}

  /**
   * Returns the data set as it is in an epoch of training, for what is random per epoch. Only
   * training asks; evaluation and validation read the data set itself.
   *
   * @param epoch from 0
   * @return this data set unless overridden; of the same size, input shape and targets
   */
  default Dataset atEpoch(int epoch) {
    return this;
  }
}
