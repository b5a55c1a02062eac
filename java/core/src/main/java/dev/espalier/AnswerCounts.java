// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Locale;

/**
 * Answers to one yes/no question against what is known: those of a label, or of a class against all
 * others. Immutable.
 *
 * @since 0.1
 */
public final class AnswerCounts {
  private final long truePositives;
  private final long falsePositives;
  private final long falseNegatives;
  private final long trueNegatives;
  private final long blanks;

  AnswerCounts(
      long truePositives,
      long falsePositives,
      long falseNegatives,
      long trueNegatives,
      long blanks) {
    this.truePositives = truePositives;
    this.falsePositives = falsePositives;
    this.falseNegatives = falseNegatives;
    this.trueNegatives = trueNegatives;
    this.blanks = blanks;
  }

  /**
   * Returns the entries predicted yes that are yes.
   *
   * @return at least 0
   */
  public long truePositives() {
    return truePositives;
  }

  /**
   * Returns the entries predicted yes that are no.
   *
   * @return at least 0
   */
  public long falsePositives() {
    return falsePositives;
  }

  /**
   * Returns the entries predicted no that are yes.
   *
   * @return at least 0
   */
  public long falseNegatives() {
    return falseNegatives;
  }

  /**
   * Returns the entries predicted no that are no.
   *
   * @return at least 0
   */
  public long trueNegatives() {
    return trueNegatives;
  }

  /**
   * Returns the entries known to be yes: targets from 0.5 on, or examples of the class.
   *
   * @return true positives and false negatives
   */
  public long knownYes() {
    return truePositives + falseNegatives;
  }

  /**
   * Returns the entries known to be no.
   *
   * @return true negatives and false positives
   */
  public long knownNo() {
    return trueNegatives + falsePositives;
  }

  /**
   * Returns the entries without a known answer, which count in nothing else.
   *
   * @return at least 0
   */
  public long blanks() {
    return blanks;
  }

  /** Returns true for the same numbers. */
  @Override
  public boolean equals(Object other) {
    return other instanceof AnswerCounts counts
        && truePositives == counts.truePositives
        && falsePositives == counts.falsePositives
        && falseNegatives == counts.falseNegatives
        && trueNegatives == counts.trueNegatives
        && blanks == counts.blanks;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(
        31 * (31 * (31 * (31 * truePositives + falsePositives) + falseNegatives) + trueNegatives)
            + blanks);
  }

  /** Returns the numbers in one line. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%,d of %,d yes and %,d of %,d no right, %,d blank",
        truePositives,
        knownYes(),
        trueNegatives,
        knownNo(),
        blanks);
  }
}
