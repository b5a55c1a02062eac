// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;

/**
 * Examples with known answers: an input each, and for each task a target or nothing.
 *
 * <p><b>Unlabelled</b> entries count in no loss, gradient or metric: NaN in a float target, -1 in a
 * class target, or no target at all. A task without a name (the empty name) belongs to the only
 * head of a network.
 *
 * <p>The factories keep the arrays they are given without copying them; don't change them while in
 * use. The combinators return views and leave this data set as it is.
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

  /**
   * The form of a task's targets.
   *
   * @param task name of the task, or "" for the only one
   * @param isClasses true if the target is one class, false if it is numbers
   * @param width numbers per example; 1 for a class
   */
  record Target(String task, boolean isClasses, int width) {
    /**
     * Checks the width.
     *
     * @param task as for the record
     * @param isClasses as for the record
     * @param width as for the record
     * @throws IllegalArgumentException if the width is below 1, or not 1 for classes
     */
    public Target {
      Objects.requireNonNull(task, "task");
      if (width < 1 || (isClasses && width != 1)) {
        throw new IllegalArgumentException(
            "width: expected at least 1, and 1 for classes, got " + width);
      }
    }

    /**
     * Returns the form of labels or values.
     *
     * @param task name of the task, or "" for the only one
     * @param width numbers per example
     * @return the form
     */
    public static Target numbers(String task, int width) {
      return new Target(task, false, width);
    }

    /**
     * Returns the form of classes.
     *
     * @param task name of the task, or "" for the only one
     * @return the form
     */
    public static Target classes(String task) {
      return new Target(task, true, 1);
    }
  }

  /**
   * Two parts of a data set that have no example in common.
   *
   * @param first the part whose fraction was given
   * @param second the rest
   */
  record Split(Dataset first, Dataset second) {
    /**
     * Checks for nulls.
     *
     * @param first as for the record
     * @param second as for the record
     * @throws NullPointerException if a part is null
     */
    public Split {
      Objects.requireNonNull(first, "first");
      Objects.requireNonNull(second, "second");
    }
  }

  // Factories.

  /**
   * Makes a data set of inputs alone; {@link #withTargets} and {@link #withClasses} add answers.
   *
   * @param inputs {@code [examples, shape]}, row-major
   * @param shape shape of an input
   * @return the data set
   * @throws ShapeException if the length is not a multiple of the shape's size
   */
  static Dataset of(float[] inputs, Shape shape) {
    return new ArrayDataset(FloatBuffer.wrap(Objects.requireNonNull(inputs, "inputs")), shape);
  }

  /**
   * Makes a data set of inputs in a buffer, direct or not, from position to limit.
   *
   * @param inputs {@code [examples, shape]}, row-major
   * @param shape shape of an input
   * @return the data set
   * @throws ShapeException if the remaining length is not a multiple of the shape's size
   */
  static Dataset of(FloatBuffer inputs, Shape shape) {
    return new ArrayDataset(Objects.requireNonNull(inputs, "inputs").slice(), shape);
  }

  /**
   * Makes a data set for a network with one head of labels or values.
   *
   * @param inputs {@code [examples, shape]}, row-major
   * @param shape shape of an input
   * @param targets {@code [examples][width]}; NaN: unlabelled
   * @return the data set
   * @throws ShapeException if the lengths do not fit
   */
  static Dataset of(float[] inputs, Shape shape, float[][] targets) {
    return of(inputs, shape).withTargets("", targets);
  }

  /**
   * Makes a data set of rows for a network with one head of labels or values. Its input shape is a
   * vector, which any network with as many input values takes.
   *
   * @param inputs {@code [examples][values]}; at least one example
   * @param targets {@code [examples][width]}; NaN: unlabelled
   * @return the data set
   * @throws ShapeException if the lengths do not fit
   */
  static Dataset of(float[][] inputs, float[][] targets) {
    return new RowsDataset(inputs).withTargets("", targets);
  }

  /**
   * Makes a data set for a network with one head of classes.
   *
   * @param inputs {@code [examples, shape]}, row-major
   * @param shape shape of an input
   * @param classes {@code [examples]}; -1: unlabelled
   * @return the data set
   * @throws ShapeException if the lengths do not fit
   */
  static Dataset ofClasses(float[] inputs, Shape shape, int[] classes) {
    return of(inputs, shape).withClasses("", classes);
  }

  /**
   * Makes a data set of rows for a network with one head of classes. Its input shape is a vector,
   * which any network with as many input values takes.
   *
   * @param inputs {@code [examples][values]}; at least one example
   * @param classes {@code [examples]}; -1: unlabelled
   * @return the data set
   * @throws ShapeException if the lengths do not fit
   */
  static Dataset ofClasses(float[][] inputs, int[] classes) {
    return new RowsDataset(inputs).withClasses("", classes);
  }

  /**
   * Reads images and classes from IDX files of unsigned bytes, as MNIST has them, gzipped or not.
   * Pixels are divided by 255. Images {@code [n, rows, columns]} get the shape {@code [1, rows,
   * columns]}, {@code [n, channels, rows, columns]} keep theirs, {@code [n, values]} are vectors.
   *
   * @param images file of the inputs
   * @param labels file of the classes, one byte each
   * @return the data set, in memory
   * @throws IllegalArgumentException if a file is not a valid IDX file of this kind: wrong magic,
   *     truncated, or longer than its header says
   * @throws ShapeException if the files differ in the number of examples
   * @throws java.io.UncheckedIOException if a file cannot be read
   */
  static Dataset idx(Path images, Path labels) {
    return IdxFile.dataset(images, labels, 1f / 255);
  }

  /**
   * Reads images and classes from IDX files as {@link #idx} does, with pixels from 0 to 255.
   *
   * @param images file of the inputs
   * @param labels file of the classes, one byte each
   * @return the data set, in memory
   * @throws IllegalArgumentException if a file is not a valid IDX file of this kind
   * @throws ShapeException if the files differ in the number of examples
   * @throws java.io.UncheckedIOException if a file cannot be read
   */
  static Dataset idxRaw(Path images, Path labels) {
    return IdxFile.dataset(images, labels, 1f);
  }

  /**
   * Reads a CSV file with a header line (RFC 4180, UTF-8). Blank fields of targets are unlabelled.
   *
   * @param file the file
   * @param options which columns are what
   * @return the data set, in memory
   * @throws IllegalArgumentException if the file is malformed or a field is not what its column
   *     asks for, naming line and column
   * @throws java.io.UncheckedIOException if the file cannot be read
   */
  static Dataset csv(Path file, CsvOptions options) {
    return CsvFile.dataset(file, options);
  }

  /**
   * Joins data sets of equal input shape one after the other. They may label different tasks:
   * examples of a part without a task are unlabelled there.
   *
   * @param parts at least one
   * @return the joined data set
   * @throws ShapeException if input shapes, or the forms of one task, differ
   */
  static Dataset concat(Dataset... parts) {
    for (Dataset part : Objects.requireNonNull(parts, "parts")) {
      Objects.requireNonNull(part, "parts");
    }
    return new ConcatDataset(List.of(parts));
  }

  // Combinators.

  /**
   * Picks examples, in the given order; one may occur several times.
   *
   * @param indices 0 to {@code size() - 1}
   * @return the examples
   * @throws IndexOutOfBoundsException if an index is out of range
   */
  default Dataset subset(int... indices) {
    return new SubsetDataset(this, Objects.requireNonNull(indices, "indices").clone());
  }

  /**
   * Picks the examples from {@code from} (included) to {@code to} (excluded).
   *
   * @param from 0 to {@code to}
   * @param to up to {@code size()}
   * @return the examples
   * @throws IndexOutOfBoundsException if the range is not within the data set
   */
  default Dataset range(int from, int to) {
    return SubsetDataset.range(this, from, to);
  }

  /**
   * Puts the examples into a random order, once. ({@link Trainer} shuffles by itself.)
   *
   * @param seed of the order
   * @return the examples in another order
   */
  default Dataset shuffle(long seed) {
    return new SubsetDataset(this, Shuffle.permutation(size(), seed, 0));
  }

  /**
   * Splits at random.
   *
   * @param fraction share of the first part, 0 to 1; rounded to a whole number of examples
   * @param seed of the choice
   * @return the two parts
   * @throws IllegalArgumentException if the fraction is out of range
   */
  default Split split(double fraction, long seed) {
    return SubsetDataset.split(this, fraction, Shuffle.permutation(size(), seed, 0));
  }

  /**
   * Splits at random so that each class, and each yes and no of each label, has its share in both
   * parts as far as possible: Sechidis et al. 2011, "On the stratification of multi-label data".
   *
   * @param fraction share of the first part, 0 to 1; rounded to a whole number of examples
   * @param seed of the choice
   * @return the two parts
   * @throws IllegalArgumentException if the fraction is out of range
   * @throws IllegalStateException if there are no targets
   */
  default Split splitStratified(double fraction, long seed) {
    return Stratification.split(this, fraction, seed);
  }

  /**
   * Draws a few examples so that each class, and each yes and no of each label, has its share as
   * far as possible; unlabelled entries count for nothing.
   *
   * @param count number of examples, 1 to {@code size()}
   * @param seed of the choice
   * @return {@code count} examples
   * @throws IllegalArgumentException if the number is out of range
   * @throws IllegalStateException if there are no targets
   */
  default Dataset fewShot(int count, long seed) {
    return Stratification.fewShot(this, count, seed);
  }

  /**
   * Draws examples at random until each class and each label (as a yes) has {@code count} of them,
   * or all that there are. For classes that makes {@code count} of each.
   *
   * @param count wanted of each label, at least 1
   * @param seed of the choice
   * @return the examples
   * @throws IllegalArgumentException if the number is out of range
   * @throws IllegalStateException if there are no targets
   */
  default Dataset fewShotPerLabel(int count, long seed) {
    return Stratification.fewShotPerLabel(this, count, seed);
  }

  /**
   * Changes each input by a pure function: same input, same output. So the data set stays as stable
   * as it was.
   *
   * @param function gets a copy that it may change and return; the size has to stay
   * @return the changed data set
   */
  default Dataset map(UnaryOperator<float[]> function) {
    return map(inputShape(), function);
  }

  /**
   * Changes each input, and the shape, by a pure function.
   *
   * @param shape shape of what the function returns
   * @param function gets a copy that it may change
   * @return the changed data set
   */
  default Dataset map(Shape shape, UnaryOperator<float[]> function) {
    Objects.requireNonNull(function, "function");
    return new MappedDataset(this, shape, false, 0, 0, (input, random) -> function.apply(input));
  }

  /**
   * Changes each input at random, anew in each epoch of training. Not stable, so features of frozen
   * layers are not kept. The same seed gives the same changes.
   *
   * @param seed of the random numbers
   * @param function gets a copy that it may change, and random numbers of this epoch and example
   * @return the changed data set
   */
  default Dataset augment(long seed, BiFunction<float[], RandomGenerator, float[]> function) {
    return new MappedDataset(this, inputShape(), true, seed, 0, function);
  }

  /**
   * Gives the inputs another shape of the same size.
   *
   * @param shape the shape
   * @return the same values in that shape
   * @throws ShapeException if the sizes differ
   */
  default Dataset reshape(Shape shape) {
    if (Objects.requireNonNull(shape, "shape").size() != inputShape().size()) {
      throw new ShapeException(
          "reshape: expected " + inputShape().size() + " values, got " + shape);
    }
    return new MappedDataset(this, shape, false, 0, 0, (input, random) -> input);
  }

  /**
   * Adds, or replaces, the targets of a task of labels or values.
   *
   * @param task name of the task, or "" for the only one
   * @param targets {@code [size()][width]}; NaN: unlabelled
   * @return the data set with these targets
   * @throws ShapeException if the lengths do not fit
   */
  default Dataset withTargets(String task, float[][] targets) {
    return new TargetDataset(this, task, Objects.requireNonNull(targets, "targets"), null);
  }

  /**
   * Adds, or replaces, the targets of a task of classes.
   *
   * @param task name of the task, or "" for the only one
   * @param classes {@code [size()]}; -1: unlabelled
   * @return the data set with these targets
   * @throws ShapeException if the lengths do not fit
   */
  default Dataset withClasses(String task, int[] classes) {
    return new TargetDataset(this, task, null, Objects.requireNonNull(classes, "classes"));
  }

  /**
   * Leaves out all targets.
   *
   * @return the inputs alone
   */
  default Dataset withoutTargets() {
    return new RenamedDataset(this, List.of(), List.of());
  }

  /**
   * Names the task of a data set with a single one: for a network with several heads.
   *
   * @param task name of the task
   * @return the data set with that name
   * @throws IllegalStateException if there is not exactly one task
   */
  default Dataset forTask(String task) {
    Objects.requireNonNull(task, "task");
    if (targets().size() != 1) {
      throw new IllegalStateException("forTask: expected one task, got " + targets());
    }
    return new RenamedDataset(this, List.of(targets().get(0).task()), List.of(task));
  }

  // Looking at single examples.

  /**
   * Returns the input of an example.
   *
   * @param index 0 to {@code size() - 1}
   * @return a new array of {@code inputShape().size()} values
   */
  default float[] input(int index) {
    float[] input = new float[inputShape().size()];
    readInput(index, input, 0);
    return input;
  }

  /**
   * Returns the target of an example.
   *
   * @param task one of {@link #targets()}
   * @param index 0 to {@code size() - 1}
   * @return a new array: {@code width} numbers, or one class; NaN or -1 where unlabelled
   * @throws IllegalArgumentException if there is no such task
   */
  default float[] target(String task, int index) {
    for (Target target : targets()) {
      if (target.task().equals(task)) {
        float[] numbers = new float[target.width()];
        if (!readTarget(task, index, numbers, 0)) {
          Arrays.fill(numbers, target.isClasses() ? -1 : Float.NaN);
        }
        return numbers;
      }
    }
    throw new IllegalArgumentException("no task \"" + task + "\" among " + targets());
  }
}
