// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * How often a label, value or class of a data set is answered, and how: of {@link
 * Datasets#statistics}.
 *
 * @since 0.1
 */
public final class LabelCounts {
  private final String task;
  private final String name;
  private final int yes;
  private final int no;
  private final int other;
  private final int blank;

  LabelCounts(String task, String name, int yes, int no, int other, int blank) {
    this.task = task;
    this.name = name;
    this.yes = yes;
    this.no = no;
    this.other = other;
    this.blank = blank;
  }

  /**
   * Returns the task.
   *
   * @return its name, "" where it has none
   */
  public String task() {
    return task;
  }

  /**
   * Returns the label, value or class.
   *
   * @return its name; its number where the data set has no names
   */
  public String name() {
    return name;
  }

  /**
   * Returns the examples answered yes.
   *
   * @return those with 0.5 to 1, or of this class
   */
  public int yes() {
    return yes;
  }

  /**
   * Returns the examples answered no.
   *
   * @return those from 0 to below 0.5, or of another class
   */
  public int no() {
    return no;
  }

  /**
   * Returns the examples answered by a number that is neither: values have such.
   *
   * @return those below 0 or above 1
   */
  public int other() {
    return other;
  }

  /**
   * Returns the examples that are not answered.
   *
   * @return those unlabelled
   */
  public int blank() {
    return blank;
  }

  /** Returns for example {@code "finding/effusion: 12 yes, 40 no, 148 blank"}. */
  @Override
  public String toString() {
    return qualified()
        + ": "
        + yes
        + " yes, "
        + no
        + " no, "
        + (other == 0 ? "" : other + " other, ")
        + blank
        + " blank";
  }

  /** Returns the name with its task before it, where it has one. */
  String qualified() {
    return task.isEmpty() ? name : task + "/" + name;
  }
}
