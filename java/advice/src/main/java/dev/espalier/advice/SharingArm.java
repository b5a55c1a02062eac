// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.CheckReturnValue;
import java.util.List;

/**
 * One way to share networks among questions: what it costs, and how good it is. Immutable.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class SharingArm {
  private final int width;
  private final List<List<String>> groups;
  private final long parameters;
  private final long steps;
  private final double microseconds;
  private final Interval score;
  private final List<Interval> scores;

  SharingArm(
      int width,
      List<List<String>> groups,
      long parameters,
      long steps,
      double microseconds,
      Interval score,
      List<Interval> scores) {
    this.width = width;
    this.groups = groups.stream().map(List::copyOf).toList();
    this.parameters = parameters;
    this.steps = steps;
    this.microseconds = microseconds;
    this.score = score;
    this.scores = List.copyOf(scores);
  }

  /**
   * Returns the width of its networks.
   *
   * @return as it was given to the function that makes them
   */
  public int width() {
    return width;
  }

  /**
   * Returns which questions share a network.
   *
   * @return the questions of each network
   */
  public List<List<String>> groups() {
    return groups;
  }

  /**
   * Returns how many parameters its networks have.
   *
   * @return all together
   */
  public long parameters() {
    return parameters;
  }

  /**
   * Returns how many steps its networks are trained.
   *
   * @return all together, for one set of them
   */
  public long steps() {
    return steps;
  }

  /**
   * Returns how long one example takes.
   *
   * @return microseconds by all networks, one after the other: median over calls, then over folds
   */
  public double microseconds() {
    return microseconds;
  }

  /**
   * Returns how good it is.
   *
   * @return mean over questions and folds, with an interval of 95 %
   */
  public Interval score() {
    return score;
  }

  /**
   * Returns how good it is at each question.
   *
   * @return mean over folds, with an interval of 95 %, in the order of the questions
   */
  public List<Interval> scores() {
    return scores;
  }

  String name() {
    if (groups.size() == 1) {
      return "one, width × " + width;
    }
    boolean isSeparate = groups.stream().allMatch(group -> group.size() == 1);
    return (isSeparate ? groups.size() + " separate" : "groups") + ", width × " + width;
  }

  /** Returns for example {@code "one, width × 2: 0.778 (0.760 to 0.791)"}. */
  @Override
  public String toString() {
    return name() + ": " + score;
  }
}
