// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Finds known answers that cross-fitted heads contradict: Northcutt, Jiang and Chuang 2021,
 * "Confident Learning: Estimating Uncertainty in Dataset Labels", arXiv:1911.00068.
 *
 * <p>The threshold t(c) of an answer c is the mean probability of c where c is known. An answer is
 * contradicted by another one, c, where p(c) ≥ t(c) and p(c) is the largest of those that are so.
 * The list is ranked by the probability of the known answer, the least first (the paper's
 * self-confidence), which found more than its normalized margin: decision 0025.
 */
final class ConfidentLearning {
  private static final String[] WORDS = {"no", "yes"};

  private final AnsweredFeatures known;
  private final float[][] said; // by example, null where nobody was asked
  private final List<SuspectAnswer> suspects = new ArrayList<>();

  private ConfidentLearning(AnsweredFeatures known, float[][] said) {
    this.known = known;
    this.said = said;
  }

  /** Returns all known answers, the least probable first. */
  static List<SuspectAnswer> rank(AnsweredFeatures known, float[][] said) {
    ConfidentLearning ranking = new ConfidentLearning(known, said);
    if (known.isClasses()) {
      ranking.addClasses();
    } else {
      for (int j = 0; j < known.names().size(); j++) {
        ranking.addLabel(j);
      }
    }
    ranking.suspects.sort(
        Comparator.comparingDouble(SuspectAnswer::probability)
            .thenComparingInt(SuspectAnswer::example));
    return List.copyOf(ranking.suspects);
  }

  private void addLabel(int label) {
    double[][] probabilities = new double[known.size()][];
    int[] given = new int[known.size()];
    for (int i = 0; i < given.length; i++) {
      given[i] = -1;
      if (known.isKnown(i, label) && said[i] != null) {
        given[i] = known.isYes(i, label) ? 1 : 0;
        probabilities[i] = new double[] {1 - said[i][label], said[i][label]};
      }
    }
    add(known.names().get(label), List.of(WORDS), probabilities, given);
  }

  private void addClasses() {
    double[][] probabilities = new double[known.size()][];
    int[] given = new int[known.size()];
    for (int i = 0; i < given.length; i++) {
      given[i] = -1;
      if (known.isKnown(i, 0) && said[i] != null) {
        probabilities[i] = new double[said[i].length];
        for (int c = 0; c < said[i].length; c++) {
          probabilities[i][c] = said[i][c];
          given[i] = known.isYes(i, c) ? c : given[i];
        }
      }
    }
    add(known.task(), known.names(), probabilities, given);
  }

  /** Adds the answers to a question: {@code given} of so many, -1 where nobody said. */
  private void add(String label, List<String> words, double[][] probabilities, int[] given) {
    double[] thresholds = new double[words.size()];
    int[] counts = new int[words.size()];
    for (int i = 0; i < given.length; i++) {
      if (given[i] >= 0) {
        thresholds[given[i]] += probabilities[i][given[i]];
        counts[given[i]]++;
      }
    }
    for (int c = 0; c < counts.length; c++) {
      // Nothing is as likely as an answer that nobody gave.
      thresholds[c] = counts[c] == 0 ? Double.POSITIVE_INFINITY : thresholds[c] / counts[c];
    }
    for (int i = 0; i < given.length; i++) {
      if (given[i] >= 0) {
        suspects.add(suspect(i, label, words, probabilities[i], given[i], thresholds));
      }
    }
  }

  private static SuspectAnswer suspect(
      int example,
      String label,
      List<String> words,
      double[] probabilities,
      int given,
      double[] thresholds) {
    int instead = given == 0 && probabilities.length > 1 ? 1 : 0;
    int confident = -1;
    for (int c = 0; c < probabilities.length; c++) {
      if (c != given && probabilities[c] > probabilities[instead]) {
        instead = c;
      }
      boolean isConfident = probabilities[c] >= thresholds[c];
      if (isConfident && (confident < 0 || probabilities[c] > probabilities[confident])) {
        confident = c;
      }
    }
    return new SuspectAnswer(
        example,
        label,
        words.get(given),
        words.get(instead),
        probabilities[given],
        confident >= 0 && confident != given);
  }
}
