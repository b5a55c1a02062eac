// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.List;
import java.util.Map;

/**
 * Stochastic gradient descent with optional momentum: {@code v = momentum v + g; w -= rate v}.
 * Weight decay is added to the gradient. Immutable; each setting returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Sgd extends Optimizer {
  private final double learningRate;
  private final double momentum;
  private final boolean nesterov;
  private final double weightDecay;
  private final double layerDecay;

  private Sgd(
      double learningRate,
      double momentum,
      boolean nesterov,
      double weightDecay,
      double layerDecay) {
    this.learningRate = Arguments.positive("learningRate", learningRate);
    this.momentum = Arguments.fraction("momentum", momentum);
    this.nesterov = nesterov;
    this.weightDecay = Arguments.notNegative("weightDecay", weightDecay);
    this.layerDecay = Arguments.factor("layerDecay", layerDecay);
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
   * Sets the momentum, the share of the former update.
   *
   * @param momentum at least 0, below 1
   * @return changed optimizer
   * @throws IllegalArgumentException if it is out of its range
   */
  public Sgd momentum(double momentum) {
    return new Sgd(learningRate, momentum, nesterov, weightDecay, layerDecay);
  }

  /**
   * Uses Nesterov's momentum: {@code w -= rate (g + momentum v)}.
   *
   * @param momentum share of the former update, above 0, below 1
   * @return changed optimizer
   * @throws IllegalArgumentException if it is out of its range
   */
  public Sgd nesterov(double momentum) {
    return new Sgd(learningRate, momentum, true, weightDecay, layerDecay);
  }

  /**
   * Sets the weight decay.
   *
   * @param weightDecay at least 0
   * @return changed optimizer
   * @throws IllegalArgumentException if it is out of its range
   */
  public Sgd weightDecay(double weightDecay) {
    return new Sgd(learningRate, momentum, nesterov, weightDecay, layerDecay);
  }

  @Override
  public Sgd layerDecay(double layerDecay) {
    return new Sgd(learningRate, momentum, nesterov, weightDecay, layerDecay);
  }

  @Override
  public double learningRate() {
    return learningRate;
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
   * Returns whether it looks ahead.
   *
   * @return true after {@link #nesterov(double)}
   */
  public boolean nesterov() {
    return nesterov;
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
        "sgd",
        "learning_rate",
        learningRate,
        "momentum",
        momentum,
        "nesterov",
        nesterov,
        "weight_decay",
        weightDecay);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Sgd optimizer && values().equals(optimizer.values());
  }

  @Override
  public int hashCode() {
    return values().hashCode();
  }

  /** Returns the settings as {@code Sgd[learningRate=0.1, …]}. */
  @Override
  public String toString() {
    return "Sgd[learningRate="
        + learningRate
        + ", momentum="
        + momentum
        + ", nesterov="
        + nesterov
        + ", weightDecay="
        + weightDecay
        + ", layerDecay="
        + layerDecay
        + "]";
  }

  private List<Object> values() {
    return List.of(learningRate, momentum, nesterov, weightDecay, layerDecay);
  }
}
