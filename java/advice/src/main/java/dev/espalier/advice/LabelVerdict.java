// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.CheckReturnValue;

/**
 * What may be learned and measured of a label, from how it is answered.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class LabelVerdict {
  private static final double NOTABLE = 0.6;
  private static final int ENOUGH = 10;

  private final String label;
  private final int yes;
  private final int no;
  private final int blank;
  private final Interval predictability;

  LabelVerdict(String label, int yes, int no, int blank, Interval predictability) {
    this.label = label;
    this.yes = yes;
    this.no = no;
    this.blank = blank;
    this.predictability = predictability;
  }

  /** Which answers to a label are written down. */
  public enum Answers {
    /** Yeses and noes: the loss of what is known, which leaves blanks out. */
    BOTH,
    /** Yeses alone: a blank may be a no. A loss of what is known learns to say yes always. */
    ONLY_YES,
    /** Noes alone: nothing says what a yes looks like. */
    ONLY_NO,
    /** None at all. */
    NONE
  }

  /** Whether the features tell which examples are labelled. */
  public enum Bias {
    /** They do: what is measured on the labelled ones is biased. The whole interval says so. */
    LIKELY,
    /** They hardly do: the whole interval says so. */
    UNLIKELY,
    /** Too few are labelled, or blank, to tell. */
    UNKNOWN,
    /** All are labelled, or none, or only yeses are: there is nothing to ask. */
    NOT_ASKED
  }

  /**
   * Returns the label.
   *
   * @return its name, or its number where there is none
   */
  public String label() {
    return label;
  }

  /**
   * Returns how often the answer is yes.
   *
   * @return the number of answers of at least 0.5
   */
  public int yes() {
    return yes;
  }

  /**
   * Returns how often the answer is no.
   *
   * @return the number of answers below 0.5
   */
  public int no() {
    return no;
  }

  /**
   * Returns how often nobody said.
   *
   * @return the number of examples without an answer
   */
  public int blank() {
    return blank;
  }

  /**
   * Returns which answers there are.
   *
   * @return yes, no, both or none
   */
  public Answers answers() {
    if (yes > 0) {
      return no > 0 ? Answers.BOTH : Answers.ONLY_YES;
    }
    return no > 0 ? Answers.ONLY_NO : Answers.NONE;
  }

  /**
   * Returns whether there are so few answers that a metric of the label says little: fewer than ten
   * yeses or ten noes.
   *
   * @return true if so
   */
  public boolean isTooFew() {
    return Math.min(yes, no) < ENOUGH;
  }

  /**
   * Returns how well the features tell which examples are labelled: the AUC of heads that were not
   * trained on the example, with its interval of 95 %.
   *
   * @return 0.5 if they don't; NaN where it was not asked
   */
  public Interval predictability() {
    return predictability;
  }

  /**
   * Returns whether the labelled examples differ from the others: {@link Bias#LIKELY} if all of
   * {@link #predictability} is above 0.6, {@link Bias#UNLIKELY} if all of it is below.
   *
   * @return the verdict
   */
  public Bias bias() {
    if (Double.isNaN(predictability.estimate())) {
      return Bias.NOT_ASKED;
    }
    if (predictability.isAbove(NOTABLE)) {
      return Bias.LIKELY;
    }
    return predictability.isBelow(NOTABLE) ? Bias.UNLIKELY : Bias.UNKNOWN;
  }

  /**
   * Returns what to do.
   *
   * @return sentences for people
   */
  public String advice() {
    StringBuilder advice =
        new StringBuilder(
            switch (answers()) {
              case BOTH -> "Train by what is known, as usual.";
              case ONLY_YES ->
                  "Only yeses are known: what is trained by them alone says yes to all, and no"
                      + " metric can tell. Label some noes; or take blanks for noes that may be"
                      + " wrong (Blanks.asNo), and train by EntropyMaximizationLoss or with"
                      + " labelSmoothing.";
              case ONLY_NO -> "Only noes are known: nothing shows what a yes is. Label some yeses.";
              case NONE -> "Nothing is known: label some.";
            });
    if (answers() == Answers.BOTH && isTooFew()) {
      advice.append(" Too few answers for a verdict on it: see the interval of each metric.");
    }
    switch (bias()) {
      case LIKELY ->
          advice.append(
              " The features tell which examples are labelled, so metrics of those are biased for"
                  + " all: weight answers by InversePropensityLoss, or label some at random.");
      case UNKNOWN ->
          advice.append(" Whether the labelled examples differ from the others can't be told yet.");
      default -> {}
    }
    return advice.toString();
  }

  /** Returns for example {@code "bag: 31 yes, 402 no, 567 blank; … "} with the advice. */
  @Override
  public String toString() {
    return label
        + ": "
        + yes
        + " yes, "
        + no
        + " no, "
        + blank
        + " blank; labelled is predictable with AUC "
        + predictability
        + ". "
        + advice();
  }
}
