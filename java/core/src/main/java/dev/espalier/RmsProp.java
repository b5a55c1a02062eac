// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;

/**
 * RMSProp: Tieleman and Hinton 2012. Weight decay is added to the gradient.
 *
 * @param learningRate learning rate before any schedule, above 0
 * @param alpha decay of the mean of squared gradients, at least 0, below 1 (0.99 by default)
 * @param epsilon what is added to the root, above 0 (1e-8 by default)
 * @param momentum share of the former update, at least 0, below 1 (0 by default)
 * @param weightDecay at least 0 (0 by default)
 * @param layerDecay factor of the learning rate per layer towards the input, above 0, at most 1 (1
 *     by default)
 */
public record RmsProp(
    double learningRate,
    double alpha,
    double epsilon,
    double momentum,
    double weightDecay,
    double layerDecay)
    implements Optimizer {
  /**
   * Checks the settings.
   *
   * @param learningRate as for the record
   * @param alpha as for the record
   * @param epsilon as for the record
   * @param momentum as for the record
   * @param weightDecay as for the record
   * @param layerDecay as for the record
   * @throws IllegalArgumentException if one is out of its range
   */
  public RmsProp {
    Arguments.positive("learningRate", learningRate);
    Arguments.fraction("alpha", alpha);
    Arguments.positive("epsilon", epsilon);
    Arguments.fraction("momentum", momentum);
    Arguments.notNegative("weightDecay", weightDecay);
    Arguments.factor("layerDecay", layerDecay);
  }

  /**
   * Returns the optimizer with its default settings.
   *
   * @param learningRate above 0
   * @return the optimizer
   */
  public static RmsProp withLearningRate(double learningRate) {
    return new RmsProp(learningRate, 0.99, 1e-8, 0, 0, 1);
  }

  /**
   * Sets the decay of the mean of squared gradients.
   *
   * @param alpha decay of the mean of squared gradients, at least 0, below 1
   * @return changed optimizer
   */
  public RmsProp alpha(double alpha) {
    return new RmsProp(learningRate, alpha, epsilon, momentum, weightDecay, layerDecay);
  }

  /**
   * Sets what is added to the root.
   *
   * @param epsilon what is added to the root, above 0
   * @return changed optimizer
   */
  public RmsProp epsilon(double epsilon) {
    return new RmsProp(learningRate, alpha, epsilon, momentum, weightDecay, layerDecay);
  }

  /**
   * Sets the momentum.
   *
   * @param momentum share of the former update, at least 0, below 1
   * @return changed optimizer
   */
  public RmsProp momentum(double momentum) {
    return new RmsProp(learningRate, alpha, epsilon, momentum, weightDecay, layerDecay);
  }

  /**
   * Sets the weight decay.
   *
   * @param weightDecay at least 0
   * @return changed optimizer
   */
  public RmsProp weightDecay(double weightDecay) {
    return new RmsProp(learningRate, alpha, epsilon, momentum, weightDecay, layerDecay);
  }

  @Override
  public RmsProp layerDecay(double layerDecay) {
    return new RmsProp(learningRate, alpha, epsilon, momentum, weightDecay, layerDecay);
  }
}
