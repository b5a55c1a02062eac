// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;

/**
 * Stochastic gradient descent with optional momentum: {@code v = momentum v + g; w -= rate v}.
 * Weight decay is added to the gradient.
 *
 * @param learningRate learning rate before any schedule, above 0
 * @param momentum share of the former update, at least 0, below 1 (0 by default)
 * @param nesterov true to look ahead (false by default)
 * @param weightDecay at least 0 (0 by default)
 * @param layerDecay factor of the learning rate per layer towards the input, above 0, at most 1 (1
 *     by default)
 */
public record Sgd(
    double learningRate, double momentum, boolean nesterov, double weightDecay, double layerDecay)
    implements Optimizer {
  /**
   * Checks the settings.
   *
   * @param learningRate as for the record
   * @param momentum as for the record
   * @param nesterov as for the record
   * @param weightDecay as for the record
   * @param layerDecay as for the record
   * @throws IllegalArgumentException if one is out of its range
   */
  public Sgd {
    Arguments.positive("learningRate", learningRate);
    Arguments.fraction("momentum", momentum);
    Arguments.notNegative("weightDecay", weightDecay);
    Arguments.factor("layerDecay", layerDecay);
    if (nesterov && momentum == 0) {
      throw new IllegalArgumentException("nesterov: expected a momentum above 0, got 0");
    }
  }

  /**
   * Returns the optimizer with its default settings.
   *
   * @param learningRate above 0
   * @return the optimizer
   */
  public static Sgd withLearningRate(double learningRate) {
    return new Sgd(learningRate, 0, false, 0, 1);
  }

  /**
   * Sets the momentum.
   *
   * @param momentum share of the former update, at least 0, below 1
   * @return changed optimizer
   */
  public Sgd momentum(double momentum) {
    return new Sgd(learningRate, momentum, nesterov, weightDecay, layerDecay);
  }

  /**
   * Uses Nesterov's momentum: {@code w -= rate (g + momentum v)}.
   *
   * @param momentum share of the former update, above 0, below 1
   * @return changed optimizer
   */
  public Sgd nesterov(double momentum) {
    return new Sgd(learningRate, momentum, true, weightDecay, layerDecay);
  }

  /**
   * Sets the weight decay.
   *
   * @param weightDecay at least 0
   * @return changed optimizer
   */
  public Sgd weightDecay(double weightDecay) {
    return new Sgd(learningRate, momentum, nesterov, weightDecay, layerDecay);
  }

  @Override
  public Sgd layerDecay(double layerDecay) {
    return new Sgd(learningRate, momentum, nesterov, weightDecay, layerDecay);
  }
}
