// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.Task;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Outputs of a network beside what is known, judged with any weights of the examples, question by
 * question; more is better. Labels: area under the ROC curve, equal outputs counting half (Hanley
 * and McNeil, Radiology 143, 1982). Classes: accuracy, the first of equal outputs counting. Values:
 * R², 1 − Σw(y − ŷ)² / Σw(y − ȳ)². With weights of 1 these are {@link dev.espalier.Metric}'s.
 */
final class Judged {
  private final List<Question> questions;
  private final float[][] outputs;
  private final float[][] answers;
  private final int[][] order; // of labels: the known examples, by rising output

  Judged(List<Question> questions, float[][] outputs, float[][] answers) {
    this.questions = questions;
    this.outputs = outputs;
    this.answers = answers;
    order = new int[questions.size()][];
    for (int q = 0; q < order.length; q++) {
      int column = q;
      int output = questions.get(q).output();
      IntStream known =
          IntStream.range(0, outputs.length).filter(i -> !Float.isNaN(answers[i][column]));
      order[q] =
          questions.get(q).task().kind() == Task.Kind.LABELS
              ? known
                  .boxed()
                  .sorted(Comparator.comparingDouble(i -> outputs[i][output]))
                  .mapToInt(i -> i)
                  .toArray()
              : known.toArray();
    }
  }

  int size() {
    return outputs.length;
  }

  /** Returns how good one question's outputs are; NaN where that is not defined. */
  double value(int question, int[] weights) {
    return switch (questions.get(question).task().kind()) {
      case LABELS -> areaUnderCurve(question, weights);
      case CLASSES -> accuracy(question, weights);
      case VALUES -> determination(question, weights);
    };
  }

  private double areaUnderCurve(int question, int[] weights) {
    int output = questions.get(question).output();
    int[] rising = order[question];
    double below = 0; // weight of the no below the outputs at hand
    double yes = 0;
    double pairs = 0;
    int next = 0;
    while (next < rising.length) {
      float value = outputs[rising[next]][output];
      double tiedNo = 0;
      double tiedYes = 0;
      do {
        int example = rising[next++];
        if (answers[example][question] >= 0.5f) {
          tiedYes += weights[example];
        } else {
          tiedNo += weights[example];
        }
      } while (next < rising.length && outputs[rising[next]][output] == value);
      pairs += tiedYes * (below + tiedNo / 2);
      yes += tiedYes;
      below += tiedNo;
    }
    return yes > 0 && below > 0 ? pairs / (yes * below) : Double.NaN;
  }

  private double accuracy(int question, int[] weights) {
    Question of = questions.get(question);
    double right = 0;
    double all = 0;
    for (int example : order[question]) {
      if (weights[example] > 0) {
        int best = of.output();
        for (int c = best + 1; c < of.output() + of.width(); c++) {
          best = outputs[example][c] > outputs[example][best] ? c : best;
        }
        right += best - of.output() == (int) answers[example][question] ? weights[example] : 0;
        all += weights[example];
      }
    }
    return all > 0 ? right / all : Double.NaN;
  }

  private double determination(int question, int[] weights) {
    int output = questions.get(question).output();
    double sum = 0;
    double all = 0;
    for (int example : order[question]) {
      sum += weights[example] * (double) answers[example][question];
      all += weights[example];
    }
    double mean = sum / all;
    double residual = 0;
    double total = 0;
    for (int example : order[question]) {
      double answer = answers[example][question];
      double error = answer - outputs[example][output];
      residual += weights[example] * error * error;
      total += weights[example] * (answer - mean) * (answer - mean);
    }
    return total > 0 ? 1 - residual / total : Double.NaN;
  }

  /** Returns each question's mean over drawn groups, those left out where it is not defined. */
  static double[] values(List<Judged> groups, PairedBootstrap.Draw draw) {
    double[] values = new double[groups.get(0).questions.size()];
    for (int q = 0; q < values.length; q++) {
      double sum = 0;
      int count = 0;
      for (int g = 0; g < draw.groups().length; g++) {
        double value = groups.get(draw.groups()[g]).value(q, draw.weights()[g]);
        if (!Double.isNaN(value)) {
          sum += value;
          count++;
        }
      }
      values[q] = sum / count;
    }
    return values;
  }

  /** Returns the mean of those that are defined. */
  static double mean(double[] values) {
    double sum = 0;
    int count = 0;
    for (double value : values) {
      if (!Double.isNaN(value)) {
        sum += value;
        count++;
      }
    }
    return sum / count;
  }
}
