// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.CheckReturnValue;
import java.util.Optional;

/**
 * How well simple models answer a question from what a layer computes, or from the raw input: by
 * the measure of the study, on its folds. Immutable.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class LayerProbe {
  private final String layer;
  private final Scores trained;
  private final Optional<Scores> random;

  /** Of one representation. */
  record Scores(Interval ridge, Interval neighbors) {}

  LayerProbe(String layer, Scores trained, Optional<Scores> random) {
    this.layer = layer;
    this.trained = trained;
    this.random = random;
  }

  /**
   * Returns the layer.
   *
   * @return its name; empty for the raw input
   */
  public String layer() {
    return layer;
  }

  /**
   * Returns what ridge regression comes to.
   *
   * @return on features of the backbone, or the input
   */
  public Interval ridge() {
    return trained.ridge();
  }

  /**
   * Returns what the five nearest neighbors come to.
   *
   * @return on features of the backbone, or the input
   */
  public Interval neighbors() {
    return trained.neighbors();
  }

  /**
   * Returns what ridge regression comes to where the layers have random weights.
   *
   * @return on features of a network that was never trained; empty for the raw input
   */
  public Optional<Interval> ridgeOfRandom() {
    return random.map(Scores::ridge);
  }

  /**
   * Returns what the nearest neighbors come to where the layers have random weights.
   *
   * @return on features of a network that was never trained; empty for the raw input
   */
  public Optional<Interval> neighborsOfRandom() {
    return random.map(Scores::neighbors);
  }

  /** Returns for example {@code "pool2: ridge 0.871 (0.840 to 0.900)"}. */
  @Override
  public String toString() {
    return (layer.isEmpty() ? "raw input" : layer) + ": ridge " + ridge();
  }
}
