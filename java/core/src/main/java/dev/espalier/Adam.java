// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;

/**
 * Adam: Kingma and Ba 2015, arXiv:1412.6980. Weight decay is added to the gradient; see {@link
 * AdamW} for decay apart from it.
 *
 * @param learningRate learning rate before any schedule, above 0
 * @param beta1 decay of the mean of gradients, at least 0, below 1 (0.9 by default)
 * @param beta2 decay of the mean of squared gradients, at least 0, below 1 (0.999 by default)
 * @param epsilon what is added to the root, above 0 (1e-8 by default)
 * @param weightDecay at least 0 (0 by default)
 * @param layerDecay factor of the learning rate per layer towards the input, above 0, at most 1 (1
 *     by default)
 */
public record Adam(
    double learningRate,
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    double layerDecay)
    implements Optimizer {
  /**
   * Checks the settings.
   *
   * @param learningRate as for the record
   * @param beta1 as for the record
   * @param beta2 as for the record
   * @param epsilon as for the record
   * @param weightDecay as for the record
   * @param layerDecay as for the record
   * @throws IllegalArgumentException if one is out of its range
   */
  public Adam {
    Arguments.positive("learningRate", learningRate);
    Arguments.fraction("beta1", beta1);
    Arguments.fraction("beta2", beta2);
    Arguments.positive("epsilon", epsilon);
    Arguments.notNegative("weightDecay", weightDecay);
    Arguments.factor("layerDecay", layerDecay);
  }

  /**
   * Returns the optimizer with its default settings.
   *
   * @param learningRate above 0
   * @return the optimizer
   */
  public static Adam withLearningRate(double learningRate) {
    return new Adam(learningRate, 0.9, 0.999, 1e-8, 0, 1);
  }

  /**
   * Sets the decay of the mean of gradients.
   *
   * @param beta1 decay of the mean of gradients, at least 0, below 1
   * @return changed optimizer
   */
  public Adam beta1(double beta1) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay, layerDecay);
  }

  /**
   * Sets the decay of the mean of squared gradients.
   *
   * @param beta2 decay of the mean of squared gradients, at least 0, below 1
   * @return changed optimizer
   */
  public Adam beta2(double beta2) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay, layerDecay);
  }

  /**
   * Sets what is added to the root.
   *
   * @param epsilon what is added to the root, above 0
   * @return changed optimizer
   */
  public Adam epsilon(double epsilon) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay, layerDecay);
  }

  /**
   * Sets the weight decay.
   *
   * @param weightDecay at least 0
   * @return changed optimizer
   */
  public Adam weightDecay(double weightDecay) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay, layerDecay);
  }

  @Override
  public Adam layerDecay(double layerDecay) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay, layerDecay);
  }
}
