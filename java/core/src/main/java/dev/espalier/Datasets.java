// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Makes data sets: from arrays and lists, and from other data sets.
 *
 * <p>The factories keep the arrays they are given without copying them; don't change them while in
 * use. What is made from another data set is a view of it, which stays as it is; so are both as
 * stable, and any number of threads may read both as far as they may read the other.
 *
 * <p><b>Names.</b> Targets given with names of labels, values or classes are matched to a head's by
 * name: {@code withTargets(data, "", List.of("effusion", "pneumonia"), answers)} trains {@code
 * Head.labels("pneumonia", "effusion")} rightly. Those given without names are matched by position:
 * column {@code j} of {@code float[][]} is the head's output {@code j}, class {@code c} of {@code
 * int[]} its class {@code c}. {@link #withNames} adds names.
 *
 * <p>An argument that is null is refused with a {@link NullPointerException} that names it.
 *
 * @since 0.1
 */
public final class Datasets {
  private Datasets() {}

  // Factories.

  /**
   * Makes a data set of inputs alone; {@link #withTargets} and {@link #withClasses} add answers.
   *
   * @param inputs {@code [examples, shape]}, row-major
   * @param shape shape of an input
   * @return the data set
   * @throws ShapeException if the length is not a multiple of the shape's size
   */
  public static Dataset of(float[] inputs, Shape shape) {
    return new ArrayDataset(FloatBuffer.wrap(Objects.requireNonNull(inputs, "inputs")), shape);
  }

  /**
   * Makes a data set of inputs in a buffer, direct or not, from position to limit. A file mapped
   * into memory must not be cut off while it is in use: reading what is gone gives an {@link
   * InternalError}. Memory of an arena confined to a thread is trained from on that thread, with
   * {@link Trainer#prefetch prefetch(false)}.
   *
   * @param inputs {@code [examples, shape]}, row-major
   * @param shape shape of an input
   * @return the data set
   * @throws ShapeException if the remaining length is not a multiple of the shape's size
   */
  public static Dataset of(FloatBuffer inputs, Shape shape) {
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
  public static Dataset of(float[] inputs, Shape shape, float[][] targets) {
    return withTargets(of(inputs, shape), "", targets);
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
  public static Dataset of(float[][] inputs, float[][] targets) {
    return withTargets(new RowsDataset(inputs), "", targets);
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
  public static Dataset ofClasses(float[] inputs, Shape shape, int[] classes) {
    return withClasses(of(inputs, shape), "", classes);
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
  public static Dataset ofClasses(float[][] inputs, int[] classes) {
    return withClasses(new RowsDataset(inputs), "", classes);
  }

  /**
   * Makes a data set of objects without targets; {@link #withTargets} and {@link #withClasses} add
   * some. Example {@code i} is item {@code i}, turned into an input anew each time it is read;
   * where that is slow, {@link #cache} keeps the inputs.
   *
   * @param <T> what the items are
   * @param items the items; their references are copied
   * @param shape shape of an input
   * @param input returns {@code shape.size()} values, row-major, for an item: a pure function,
   *     which other threads may call. What it returns is not kept
   * @return the data set, stable
   */
  public static <T> Dataset from(
      List<? extends T> items, Shape shape, Function<? super T, float[]> input) {
    return new ListDataset<T>(ListDataset.copy(items), shape, input, List.of(), item -> null);
  }

  /**
   * Makes a data set of objects with labels or values: {@code from(patients, Shape.vector(9),
   * Patient::vitals, Target.numbers("", List.of("effusion", "pneumonia")), Patient::findings)}.
   *
   * @param <T> what the items are
   * @param items the items; their references are copied
   * @param shape shape of an input
   * @param input returns {@code shape.size()} values for an item, as above
   * @param target form of the targets, of numbers
   * @param answers returns {@code target.width()} numbers for an item, NaN: unlabelled; or null:
   *     nothing of it is labelled. A pure function, which other threads may call
   * @return the data set, stable
   * @throws IllegalArgumentException if the form is one of classes
   */
  public static <T> Dataset from(
      List<? extends T> items,
      Shape shape,
      Function<? super T, float[]> input,
      Target target,
      Function<? super T, float @Nullable []> answers) {
    if (Objects.requireNonNull(target, "target").isClasses()) {
      throw new IllegalArgumentException("target: expected numbers, got " + target);
    }
    Objects.requireNonNull(answers, "answers");
    return new ListDataset<T>(ListDataset.copy(items), shape, input, List.of(target), answers);
  }

  /**
   * Makes a data set of objects with classes: {@code fromClasses(letters, Shape.image(1, 8, 8),
   * Letter::pixels, Target.classes("", List.of("a", "b")), Letter::number)}.
   *
   * @param <T> what the items are
   * @param items the items; their references are copied
   * @param shape shape of an input
   * @param input returns {@code shape.size()} values for an item, as above
   * @param target form of the targets, of classes
   * @param classOf returns the class of an item, -1: unlabelled. A pure function, which other
   *     threads may call
   * @return the data set, stable
   * @throws IllegalArgumentException if the form is not one of classes
   */
  public static <T> Dataset fromClasses(
      List<? extends T> items,
      Shape shape,
      Function<? super T, float[]> input,
      Target target,
      ToIntFunction<? super T> classOf) {
    if (!Objects.requireNonNull(target, "target").isClasses()) {
      throw new IllegalArgumentException("target: expected classes, got " + target);
    }
    Objects.requireNonNull(classOf, "classOf");
    return new ListDataset<T>(
        ListDataset.copy(items),
        shape,
        input,
        List.of(target),
        item -> new float[] {classOf.applyAsInt(item)});
  }

  /**
   * Joins data sets of equal input shape one after the other. They may label different tasks:
   * examples of a part without a task are unlabelled there. Parts that name the labels, values or
   * classes of a task may have them in different orders; the first one's becomes that of all.
   *
   * @param parts at least one
   * @return the joined data set
   * @throws ShapeException if input shapes, or the forms of one task, differ: kind, width, or
   *     names; also if only some of the parts with a task name its labels, values or classes
   */
  public static Dataset concat(Dataset... parts) {
    for (Dataset part : Objects.requireNonNull(parts, "parts")) {
      Objects.requireNonNull(part, "parts");
    }
    return new ConcatDataset(List.of(parts));
  }

  // Combinators.

  /**
   * Picks examples, in the given order; one may occur several times.
   *
   * @param data the data set
   * @param indices 0 to {@code data.size() - 1}
   * @return the examples
   * @throws IndexOutOfBoundsException if an index is out of range
   */
  public static Dataset subset(Dataset data, int... indices) {
    return new SubsetDataset(data, Objects.requireNonNull(indices, "indices").clone());
  }

  /**
   * Picks the examples from {@code from} (included) to {@code to} (excluded).
   *
   * @param data the data set
   * @param from 0 to {@code to}
   * @param to up to {@code data.size()}
   * @return the examples
   * @throws IndexOutOfBoundsException if the range is not within the data set
   */
  public static Dataset range(Dataset data, int from, int to) {
    Objects.requireNonNull(data, "data");
    return SubsetDataset.range(data, from, to);
  }

  /**
   * Puts the examples into a random order, once. ({@link Trainer} shuffles by itself.)
   *
   * @param data the data set
   * @param seed of the order
   * @return the examples in another order
   */
  public static Dataset shuffle(Dataset data, long seed) {
    Objects.requireNonNull(data, "data");
    return new SubsetDataset(data, Shuffle.permutation(data.size(), seed, 0));
  }

  /**
   * Splits at random.
   *
   * @param data the data set
   * @param fraction share of the first part, 0 to 1; rounded to a whole number of examples
   * @param seed of the choice
   * @return the two parts
   * @throws IllegalArgumentException if the fraction is out of range
   */
  public static Split split(Dataset data, double fraction, long seed) {
    Objects.requireNonNull(data, "data");
    return SubsetDataset.split(data, fraction, Shuffle.permutation(data.size(), seed, 0));
  }

  /**
   * Splits at random so that each class, and each yes and no of each label, has its share in both
   * parts as far as possible: Sechidis et al. 2011, "On the stratification of multi-label data".
   *
   * @param data the data set
   * @param fraction share of the first part, 0 to 1; rounded to a whole number of examples
   * @param seed of the choice
   * @return the two parts
   * @throws IllegalArgumentException if the fraction is out of range
   * @throws IllegalStateException if there are no targets
   */
  public static Split splitStratified(Dataset data, double fraction, long seed) {
    Objects.requireNonNull(data, "data");
    return Stratification.split(data, fraction, seed);
  }

  /**
   * Makes folds for cross-validation: cuts the data set at random into {@code k} parts whose sizes
   * differ by 1 at most, and holds out one after the other.
   *
   * @param data the data set
   * @param k number of folds, 2 to {@code data.size()}
   * @param seed of the choice
   * @return {@code k} splits: {@code first()} is to train on, {@code second()} held out; each
   *     example is held out once
   * @throws IllegalArgumentException if the number is out of range
   */
  public static List<Split> folds(Dataset data, int k, long seed) {
    Objects.requireNonNull(data, "data");
    return Folds.random(data, k, seed);
  }

  /**
   * Makes folds as {@link #folds} does, so that each class, and each yes and no of each label, has
   * its share in each held-out part as far as possible.
   *
   * @param data the data set
   * @param k number of folds, 2 to {@code data.size()}
   * @param seed of the choice
   * @return {@code k} splits: {@code first()} is to train on, {@code second()} held out; each
   *     example is held out once
   * @throws IllegalArgumentException if the number is out of range
   * @throws IllegalStateException if there are no targets
   */
  public static List<Split> foldsStratified(Dataset data, int k, long seed) {
    Objects.requireNonNull(data, "data");
    return Folds.stratified(data, k, seed);
  }

  /**
   * Makes folds that keep groups whole: all examples of a patient, say, are held out together, or
   * what is learned of the patient counts as skill. Sizes, and the shares of each class, and each
   * yes and no of each label, if there are targets, are as equal as groups allow.
   *
   * @param data the data set
   * @param groups of each example, equal by {@code equals}; null: a group of its own
   * @param k number of folds, at least 2, at most the number of groups
   * @param seed of the choice
   * @return {@code k} splits, as those of {@link #folds}
   * @throws IllegalArgumentException if the number is out of range
   * @throws ShapeException if there are not as many groups as examples
   */
  public static List<Split> foldsGrouped(Dataset data, List<?> groups, int k, long seed) {
    Objects.requireNonNull(data, "data");
    return Folds.grouped(data, Objects.requireNonNull(groups, "groups"), k, seed);
  }

  /**
   * Counts what is known of each label: yes, no, and blank; and finds the pairs of labels that are
   * never labelled together. Reads all targets once.
   *
   * @param data the data set
   * @return the counts; print them
   */
  public static LabelStatistics statistics(Dataset data) {
    return LabelStatistics.of(Objects.requireNonNull(data, "data"));
  }

  /**
   * Draws a few examples so that each class, and each yes and no of each label, has its share as
   * far as possible; unlabelled entries count for nothing.
   *
   * @param data the data set
   * @param count number of examples, 1 to {@code data.size()}
   * @param seed of the choice
   * @return {@code count} examples
   * @throws IllegalArgumentException if the number is out of range
   * @throws IllegalStateException if there are no targets
   */
  public static Dataset fewShot(Dataset data, int count, long seed) {
    Objects.requireNonNull(data, "data");
    return Stratification.fewShot(data, count, seed);
  }

  /**
   * Draws examples at random until each class and each label (as a yes) has {@code count} of them,
   * or all that there are. For classes that makes {@code count} of each.
   *
   * @param data the data set
   * @param count wanted of each label, at least 1
   * @param seed of the choice
   * @return the examples
   * @throws IllegalArgumentException if the number is out of range
   * @throws IllegalStateException if there are no targets
   */
  public static Dataset fewShotPerLabel(Dataset data, int count, long seed) {
    Objects.requireNonNull(data, "data");
    return Stratification.fewShotPerLabel(data, count, seed);
  }

  /**
   * Changes each input by a pure function: same input, same output. So the data set stays as stable
   * as it was.
   *
   * @param data the data set
   * @param function gets a copy that it may change and return; the size has to stay
   * @return the changed data set
   */
  public static Dataset map(Dataset data, UnaryOperator<float[]> function) {
    Objects.requireNonNull(data, "data");
    return map(data, data.inputShape(), function);
  }

  /**
   * Changes each input, and the shape, by a pure function.
   *
   * @param data the data set
   * @param shape shape of what the function returns
   * @param function gets a copy that it may change
   * @return the changed data set
   */
  public static Dataset map(Dataset data, Shape shape, UnaryOperator<float[]> function) {
    Objects.requireNonNull(function, "function");
    return new MappedDataset(
        data, "map of ", shape, false, 0, 0, (input, random) -> function.apply(input));
  }

  /**
   * Changes each input at random, anew in each epoch of training. Not stable, so features of frozen
   * layers are not kept. The same seed gives the same changes.
   *
   * @param data the data set
   * @param seed of the random numbers
   * @param function gets a copy that it may change, and random numbers of this epoch and example
   * @return the changed data set
   */
  public static Dataset augment(
      Dataset data, long seed, BiFunction<float[], RandomGenerator, float[]> function) {
    Objects.requireNonNull(data, "data");
    return new MappedDataset(
        data, "augmentation, seed " + seed + ", of ", data.inputShape(), true, seed, 0, function);
  }

  /**
   * Gives the inputs another shape of the same size.
   *
   * @param data the data set
   * @param shape the shape
   * @return the same values in that shape
   * @throws ShapeException if the sizes differ
   */
  public static Dataset reshape(Dataset data, Shape shape) {
    Objects.requireNonNull(data, "data");
    if (Objects.requireNonNull(shape, "shape").size() != data.inputShape().size()) {
      throw new ShapeException(
          "reshape: expected " + data.inputShape().size() + " values, got " + shape);
    }
    return new MappedDataset(data, "", shape, false, 0, 0, (input, random) -> input);
  }

  /**
   * Reads each example once, now, and keeps inputs and targets: for what is slow to read, and to
   * make a data set stable that always reads the same but does not say so. Then the features of
   * frozen layers, too, are computed once. What is random per epoch ({@link #augment}) is kept as
   * it reads now and is random no more; augment the cached data set instead.
   *
   * <p>Takes 4 bytes of heap for each number of inputs and targets, and about 16 for each example.
   *
   * @param data the data set; it is not used any more afterwards
   * @return the same examples, stable, which any number of threads may read
   */
  public static Dataset cache(Dataset data) {
    return new CachedDataset(Objects.requireNonNull(data, "data"));
  }

  /**
   * Adds, or replaces, the targets of a task of labels or values, matched to the head's outputs by
   * position.
   *
   * @param data the data set
   * @param task name of the task, or "" for the only one
   * @param targets {@code [data.size()][width]}; NaN: unlabelled
   * @return the data set with these targets
   * @throws ShapeException if the lengths do not fit
   */
  public static Dataset withTargets(Dataset data, String task, float[][] targets) {
    Objects.requireNonNull(targets, "targets");
    return new TargetDataset(data, task, List.of(), targets, null);
  }

  /**
   * Adds, or replaces, the targets of a task of labels or values, matched to the head's outputs by
   * name.
   *
   * @param data the data set
   * @param task name of the task, or "" for the only one
   * @param names names of the labels or values, in the order of the columns of {@code targets}
   * @param targets {@code [data.size()][names.size()]}; NaN: unlabelled
   * @return the data set with these targets
   * @throws ShapeException if the lengths do not fit
   * @throws IllegalArgumentException if there is no name, or an empty one, or one twice
   */
  public static Dataset withTargets(
      Dataset data, String task, List<String> names, float[][] targets) {
    Objects.requireNonNull(targets, "targets");
    return new TargetDataset(data, task, Target.classes("", names).names(), targets, null);
  }

  /**
   * Adds, or replaces, the targets of a task of classes, matched to the head's classes by number.
   *
   * @param data the data set
   * @param task name of the task, or "" for the only one
   * @param classes {@code [data.size()]}; -1: unlabelled
   * @return the data set with these targets
   * @throws ShapeException if the lengths do not fit
   */
  public static Dataset withClasses(Dataset data, String task, int[] classes) {
    Objects.requireNonNull(classes, "classes");
    return new TargetDataset(data, task, List.of(), null, classes);
  }

  /**
   * Adds, or replaces, the targets of a task of classes, matched to the head's classes by name.
   *
   * @param data the data set
   * @param task name of the task, or "" for the only one
   * @param names names of the classes, from class 0 on
   * @param classes {@code [data.size()]}, below {@code names.size()}; -1: unlabelled
   * @return the data set with these targets
   * @throws ShapeException if the lengths do not fit
   * @throws IllegalArgumentException if a class has no name; if there is no name, or an empty one,
   *     or one twice
   */
  public static Dataset withClasses(Dataset data, String task, List<String> names, int[] classes) {
    Objects.requireNonNull(classes, "classes");
    return new TargetDataset(data, task, Target.classes("", names).names(), null, classes);
  }

  /**
   * Names the labels, values or classes of a task, so that they are matched by name from now on:
   * {@code withNames(garments, "", List.of("shirt", "trousers"))}. Names that they had are
   * replaced; the targets stay.
   *
   * @param data the data set
   * @param task name of the task, or "" for the only one
   * @param names a name for each number, or for each class from 0 on
   * @return the data set with these names
   * @throws ShapeException if there are not as many names as numbers
   * @throws IllegalArgumentException if there is no such task; if there is no name, or an empty
   *     one, or one twice
   */
  public static Dataset withNames(Dataset data, String task, List<String> names) {
    return RenamedDataset.named(Objects.requireNonNull(data, "data"), task, names);
  }

  /**
   * Leaves out all targets.
   *
   * @param data the data set
   * @return the inputs alone
   */
  public static Dataset withoutTargets(Dataset data) {
    return new RenamedDataset(data, List.of(), List.of());
  }

  /**
   * Names the task of a data set with a single one: for a network with several heads.
   *
   * @param data the data set
   * @param task name of the task
   * @return the data set with that name
   * @throws IllegalStateException if there is not exactly one task
   */
  public static Dataset forTask(Dataset data, String task) {
    Objects.requireNonNull(data, "data");
    Objects.requireNonNull(task, "task");
    if (data.targets().size() != 1) {
      throw new IllegalStateException("forTask: expected one task, got " + data.targets());
    }
    Target former = data.targets().get(0);
    return new RenamedDataset(data, List.of(former.task()), List.of(former.forTask(task)));
  }

  // Looking at single examples.

  /**
   * Returns the input of an example.
   *
   * @param data the data set
   * @param index 0 to {@code data.size() - 1}
   * @return a new array of {@code data.inputShape().size()} values
   */
  public static float[] input(Dataset data, int index) {
    Objects.requireNonNull(data, "data");
    float[] input = new float[data.inputShape().size()];
    Arrays.fill(input, Float.NaN);
    data.readInput(index, input, 0);
    return input;
  }

  /**
   * Returns the target of an example.
   *
   * @param data the data set
   * @param task one of {@link Dataset#targets()}
   * @param index 0 to {@code data.size() - 1}
   * @return a new array: {@code width} numbers, or one class; NaN or -1 where unlabelled
   * @throws IllegalArgumentException if there is no such task
   */
  public static float[] target(Dataset data, String task, int index) {
    Objects.requireNonNull(data, "data");
    Target target = DerivedDataset.find(data, task);
    float[] numbers = new float[target.width()];
    if (!data.readTarget(task, index, numbers, 0)) {
      Arrays.fill(numbers, target.isClasses() ? -1 : Float.NaN);
    }
    return numbers;
  }
}
