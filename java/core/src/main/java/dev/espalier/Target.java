// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.List;
import java.util.Objects;

/**
 * The form of a task's targets in a data set: how many numbers, or a class, and what they are of.
 *
 * <p><b>With names</b>, targets are matched to a head's labels, classes or values by name, whatever
 * their order; a name that only one of the two has is an error. <b>Without names</b>, number {@code
 * j} is of the head's output {@code j}, and class {@code c} is the head's class {@code c}: nothing
 * can notice that they were meant in another order.
 *
 * <p>Immutable.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Target {
  private final String task;
  private final boolean isClasses;
  private final int width;
  private final List<String> names;

  private Target(String task, boolean isClasses, int width, List<String> names) {
    this.task = Objects.requireNonNull(task, "task");
    this.isClasses = isClasses;
    this.width = width;
    this.names = names;
  }

  /**
   * Returns the form of labels or values without names.
   *
   * @param task name of the task, or "" for the only one
   * @param width numbers per example, at least 1
   * @return the form
   * @throws IllegalArgumentException if the width is below 1
   */
  public static Target numbers(String task, int width) {
    return new Target(task, false, Arguments.positive("width", width), List.of());
  }

  /**
   * Returns the form of labels or values with names.
   *
   * @param task name of the task, or "" for the only one
   * @param names name of each number, in the order of the numbers
   * @return the form
   * @throws IllegalArgumentException if there is no name, or an empty one, or one twice
   */
  public static Target numbers(String task, List<String> names) {
    List<String> checked = checked(names);
    return new Target(task, false, checked.size(), checked);
  }

  /**
   * Returns the form of classes without names.
   *
   * @param task name of the task, or "" for the only one
   * @return the form
   */
  public static Target classes(String task) {
    return new Target(task, true, 1, List.of());
  }

  /**
   * Returns the form of classes with names.
   *
   * @param task name of the task, or "" for the only one
   * @param names name of each class, from class 0 on
   * @return the form
   * @throws IllegalArgumentException if there is no name, or an empty one, or one twice
   */
  public static Target classes(String task, List<String> names) {
    return new Target(task, true, 1, checked(names));
  }

  private static List<String> checked(List<String> names) {
    Objects.requireNonNull(names, "names");
    return List.of(Arguments.names("names", names.toArray(String[]::new)));
  }

  /**
   * Returns the name of the task.
   *
   * @return the name, or "" for the only one
   */
  public String task() {
    return task;
  }

  /**
   * Returns what an example's target is.
   *
   * @return true if it is one class, false if it is numbers
   */
  public boolean isClasses() {
    return isClasses;
  }

  /**
   * Returns how many numbers {@link Dataset#readTarget} writes.
   *
   * @return numbers per example; 1 for a class
   */
  public int width() {
    return width;
  }

  /**
   * Returns the names of the numbers, or of the classes.
   *
   * @return a name for each, or an empty list: matched by position
   */
  public List<String> names() {
    return names;
  }

  /** Returns the same form for another task. */
  Target forTask(String task) {
    return new Target(task, isClasses, width, names);
  }

  /** Returns the same form with these names, which replace others. */
  Target withNames(List<String> names) {
    Target named = isClasses ? classes(task, names) : numbers(task, names);
    if (named.width != width) {
      throw new ShapeException(
          "names: expected " + width + " for " + this + ", got " + NameOrder.brief(named.names));
    }
    return named;
  }

  @Override
  public boolean equals(Object object) {
    return object instanceof Target other
        && task.equals(other.task)
        && isClasses == other.isClasses
        && width == other.width
        && names.equals(other.names);
  }

  @Override
  public int hashCode() {
    return Objects.hash(task, isClasses, width, names);
  }

  /** Returns, say, {@code 2 numbers of task "side" [low, right]}. */
  @Override
  public String toString() {
    return (isClasses ? "classes" : width == 1 ? "1 number" : width + " numbers")
        + (task.isEmpty() ? "" : " of task \"" + task + '"')
        + (names.isEmpty() ? "" : " " + NameOrder.brief(names));
  }
}
