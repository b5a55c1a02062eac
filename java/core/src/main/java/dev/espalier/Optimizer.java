// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Map;

/**
 * How gradients become updates: {@link Sgd}, {@link Adam}, {@link AdamW} or {@link RmsProp}.
 * Immutable descriptions; the moments belong to one {@code fit}. Formulas and defaults are
 * PyTorch's. g is the gradient, w the parameter; weight decay never touches biases and parameters
 * of norm layers unless {@link Trainer#decayBiasesAndNorms} asks for it.
 *
 * <p><b>Lazy update:</b> a unit that no labelled entry of a step reaches is left alone in that
 * step: no update, no decay, its moments and step count unchanged.
 *
 * @since 0.1
 */
@CheckReturnValue
public abstract sealed class Optimizer permits Sgd, Adam, AdamW, RmsProp {
  Optimizer() {}

  /** Returns the kind and its settings, in the words of the native trainer. */
  abstract Map<String, Object> spec();

  /**
   * Returns the learning rate before any schedule.
   *
   * @return above 0
   */
  public abstract double learningRate();

  /**
   * Slows lower layers down: a layer's learning rate is multiplied by {@code decay^d}, d being the
   * number of layers with parameters between it and the output.
   *
   * @param decay above 0, at most 1 (the default)
   * @return changed optimizer
   */
  public abstract Optimizer layerDecay(double decay);

  /**
   * Returns the factor per layer towards the input.
   *
   * @return 1 unless set
   */
  public abstract double layerDecay();
}
