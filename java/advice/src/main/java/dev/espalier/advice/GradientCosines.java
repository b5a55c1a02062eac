// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Network;
import dev.espalier.ParameterSummary;
import dev.espalier.Sgd;
import dev.espalier.Trainer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Cosines between the gradients of questions with respect to the shared weights (Yu et al. 2020,
 * arXiv:2001.06782). A gradient is what one step of plain descent at rate 1 takes away.
 */
final class GradientCosines {
  /** Examples of the step. */
  private static final int EXAMPLES = 512;

  private GradientCosines() {}

  /**
   * Returns cosines of each question with each; NaN where a question has no gradient.
   *
   * @param shared a network of all questions
   * @param ofOne makes a network of the same form for one question
   */
  static double[][] of(
      Network shared, IntFunction<Network> ofOne, Dataset data, List<Question> questions) {
    List<float[]> gradients = new ArrayList<>();
    for (int q = 0; q < questions.size(); q++) {
      Dataset asked = QuestionsDataset.of(data, List.of(questions.get(q)));
      Dataset some = Datasets.range(asked, 0, Math.min(EXAMPLES, asked.size()));
      try (Network one = ofOne.apply(q)) {
        copy(shared, one, questions.get(q));
        gradients.add(gradient(one, some));
      }
    }
    double[][] cosines = new double[gradients.size()][gradients.size()];
    for (int a = 0; a < cosines.length; a++) {
      for (int b = 0; b < cosines.length; b++) {
        double norms = product(gradients, a, a) * product(gradients, b, b);
        cosines[a][b] = product(gradients, a, b) / Math.sqrt(norms);
      }
    }
    return cosines;
  }

  /** Copies weights; of an output layer the question's own rows. */
  private static void copy(Network shared, Network one, Question question) {
    int row =
        question.name().isEmpty() ? 0 : question.task().outputNames().indexOf(question.name());
    for (ParameterSummary parameter : one.parameters()) {
      int size = parameter.shape().size();
      float[] values = shared.parameter(parameter.path());
      boolean isOutput = values.length != size;
      one.setParameter(
          parameter.path(),
          isOutput ? Arrays.copyOfRange(values, row * size, (row + 1) * size) : values);
    }
  }

  private static double product(List<float[]> gradients, int a, int b) {
    double sum = 0;
    for (int i = 0; i < gradients.get(a).length; i++) {
      sum += (double) gradients.get(a)[i] * gradients.get(b)[i];
    }
    return sum;
  }

  private static float[] gradient(Network network, Dataset asked) {
    float[] before = weights(network);
    if (asked.size() == 0) {
      return new float[before.length];
    }
    Trainer.of(network)
        .optimizer(Sgd.withLearningRate(1))
        .batchSize(asked.size())
        .steps(1)
        .fit(asked);
    float[] gradient = weights(network);
    for (int i = 0; i < gradient.length; i++) {
      gradient[i] = before[i] - gradient[i];
    }
    return gradient;
  }

  /** Returns the weights that all questions share, those of heads left out. */
  private static float[] weights(Network network) {
    List<float[]> parts = new ArrayList<>();
    int size = 0;
    for (ParameterSummary parameter : network.parameters()) {
      if (!parameter.isBuffer() && !parameter.path().startsWith("heads.")) {
        parts.add(network.parameter(parameter.path()));
        size += parts.get(parts.size() - 1).length;
      }
    }
    float[] all = new float[size];
    int next = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, all, next, part.length);
      next += part.length;
    }
    return all;
  }
}
