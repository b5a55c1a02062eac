// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Objects;

/**
 * The form of a task's targets.
 *
 * @param task name of the task, or "" for the only one
 * @param isClasses true if the target is one class, false if it is numbers
 * @param width numbers per example; 1 for a class
 */
public record Target(String task, boolean isClasses, int width) {
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
