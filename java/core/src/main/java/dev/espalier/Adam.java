// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.List;
import java.util.Map;

/**
 * Adam: Kingma and Ba 2015, arXiv:1412.6980. Weight decay is added to the gradient; see {@link
 * AdamW} for decay apart from it. Immutable; each setting returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Adam extends Optimizer {
  private final double learningRate;
  private final double beta1;
  private final double beta2;
  private final double epsilon;
  private final double weightDecay;
  private final double layerDecay;

  private Adam(
      double learningRate,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay,
      double layerDecay) {
    this.learningRate = Arguments.positive("learningRate", learningRate);
    this.beta1 = Arguments.fraction("beta1", beta1);
    this.beta2 = Arguments.fraction("beta2", beta2);
    this.epsilon = Arguments.positive("epsilon", epsilon);
    this.weightDecay = Arguments.notNegative("weightDecay", weightDecay);
    this.layerDecay = Arguments.factor("layerDecay", layerDecay);
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
   * @param beta1 at least 0, below 1
   * @return changed optimizer
   * @throws IllegalArgumentException if it is out of its range
   */
  public Adam beta1(double beta1) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay, layerDecay);
  }

  /**
   * Sets the decay of the mean of squared gradients.
   *
   * @param beta2 at least 0, below 1
   * @return changed optimizer
   * @throws IllegalArgumentException if it is out of its range
   */
  public Adam beta2(double beta2) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay, layerDecay);
  }

  /**
   * Sets what is added to the root.
   *
   * @param epsilon above 0
   * @return changed optimizer
   * @throws IllegalArgumentException if it is out of its range
   */
  public Adam epsilon(double epsilon) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay, layerDecay);
  }

  /**
   * Sets the weight decay.
   *
   * @param weightDecay at least 0
   * @return changed optimizer
   * @throws IllegalArgumentException if it is out of its range
   */
  public Adam weightDecay(double weightDecay) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay, layerDecay);
  }

  @Override
  public Adam layerDecay(double layerDecay) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay, layerDecay);
  }

  @Override
  public double learningRate() {
    return learningRate;
  }

  /**
   * Returns the decay of the mean of gradients.
   *
   * @return at least 0, below 1; 0.9 unless set
   */
  public double beta1() {
    return beta1;
  }

  /**
   * Returns the decay of the mean of squared gradients.
   *
   * @return at least 0, below 1; 0.999 unless set
   */
  public double beta2() {
    return beta2;
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
        "adam",
        "learning_rate",
        learningRate,
        "beta1",
        beta1,
        "beta2",
        beta2,
        "epsilon",
        epsilon,
        "weight_decay",
        weightDecay);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Adam optimizer && values().equals(optimizer.values());
  }

  @Override
  public int hashCode() {
    return values().hashCode();
  }

  /** Returns the settings as {@code Adam[learningRate=0.1, …]}. */
  @Override
  public String toString() {
    return "Adam[learningRate="
        + learningRate
        + ", beta1="
        + beta1
        + ", beta2="
        + beta2
        + ", epsilon="
        + epsilon
        + ", weightDecay="
        + weightDecay
        + ", layerDecay="
        + layerDecay
        + "]";
  }

  private List<Object> values() {
    return List.of(learningRate, beta1, beta2, epsilon, weightDecay, layerDecay);
  }
}
