// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.List;
import java.util.Map;

/**
 * RMSProp: Tieleman and Hinton 2012. Weight decay is added to the gradient. Immutable; each setting
 * returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class RmsProp extends Optimizer {
  private final double learningRate;
  private final double alpha;
  private final double epsilon;
  private final double momentum;
  private final double weightDecay;
  private final double layerDecay;

  private RmsProp(
      double learningRate,
      double alpha,
      double epsilon,
      double momentum,
      double weightDecay,
      double layerDecay) {
    this.learningRate = Arguments.positive("learningRate", learningRate);
    this.alpha = Arguments.fraction("alpha", alpha);
    this.epsilon = Arguments.positive("epsilon", epsilon);
    this.momentum = Arguments.fraction("momentum", momentum);
    this.weightDecay = Arguments.notNegative("weightDecay", weightDecay);
    this.layerDecay = Arguments.factor("layerDecay", layerDecay);
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
   * @param alpha at least 0, below 1
   * @return changed optimizer
   * @throws IllegalArgumentException if it is out of its range
   */
  public RmsProp alpha(double alpha) {
    return new RmsProp(learningRate, alpha, epsilon, momentum, weightDecay, layerDecay);
  }

  /**
   * Sets what is added to the root.
   *
   * @param epsilon above 0
   * @return changed optimizer
   * @throws IllegalArgumentException if it is out of its range
   */
  public RmsProp epsilon(double epsilon) {
    return new RmsProp(learningRate, alpha, epsilon, momentum, weightDecay, layerDecay);
  }

  /**
   * Sets the momentum, the share of the former update.
   *
   * @param momentum at least 0, below 1
   * @return changed optimizer
   * @throws IllegalArgumentException if it is out of its range
   */
  public RmsProp momentum(double momentum) {
    return new RmsProp(learningRate, alpha, epsilon, momentum, weightDecay, layerDecay);
  }

  /**
   * Sets the weight decay.
   *
   * @param weightDecay at least 0
   * @return changed optimizer
   * @throws IllegalArgumentException if it is out of its range
   */
  public RmsProp weightDecay(double weightDecay) {
    return new RmsProp(learningRate, alpha, epsilon, momentum, weightDecay, layerDecay);
  }

  @Override
  public RmsProp layerDecay(double layerDecay) {
    return new RmsProp(learningRate, alpha, epsilon, momentum, weightDecay, layerDecay);
  }

  @Override
  public double learningRate() {
    return learningRate;
  }

  /**
   * Returns the decay of the mean of squared gradients.
   *
   * @return at least 0, below 1; 0.99 unless set
   */
  public double alpha() {
    return alpha;
  }

  /**
   * Returns what is added to the root.
   *
   * @return above 0; 1e-8 unless set
   */
  public double epsilon() {
    return epsilon;
  }

  /**
   * Returns the share of the former update.
   *
   * @return at least 0, below 1; 0 unless set
   */
  public double momentum() {
    return momentum;
  }

  /**
   * Returns the weight decay.
   *
   * @return at least 0; 0 unless set
   */
  public double weightDecay() {
    return weightDecay;
  }

  @Override
  public double layerDecay() {
    return layerDecay;
  }

  @Override
  Map<String, Object> spec() {
    return Map.of(
        "kind",
        "rmsprop",
        "learning_rate",
        learningRate,
        "alpha",
        alpha,
        "epsilon",
        epsilon,
        "momentum",
        momentum,
        "weight_decay",
        weightDecay);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RmsProp optimizer && values().equals(optimizer.values());
  }

  @Override
  public int hashCode() {
    return values().hashCode();
  }

  /** Returns the settings as {@code RmsProp[learningRate=0.1, …]}. */
  @Override
  public String toString() {
    return "RmsProp[learningRate="
        + learningRate
        + ", alpha="
        + alpha
        + ", epsilon="
        + epsilon
        + ", momentum="
        + momentum
        + ", weightDecay="
        + weightDecay
        + ", layerDecay="
        + layerDecay
        + "]";
  }

  private List<Object> values() {
    return List.of(learningRate, alpha, epsilon, momentum, weightDecay, layerDecay);
  }
}
