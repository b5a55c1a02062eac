// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;

/**
 * A head of independent yes/no questions: {@link Head#labels}. Immutable; each setting returns a
 * changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class LabelsHead extends Head {
  private static final double NO_ALPHA = -1; // as a network's spec says it

  LabelsHead(HeadSettings settings) {
    super(settings);
  }

  /**
   * Weights the loss of positive entries, label by label: for rare labels.
   *
   * @param weights one a label, finite and above 0
   * @return changed head
   */
  public LabelsHead positiveWeights(double... weights) {
    return new LabelsHead(settings().weights("positive_weights", "positiveWeights", weights));
  }

  /**
   * Moves targets away from certainty: {@code y (1 - s) + s/2}. Default 0.
   *
   * @param smoothing s, at least 0, below 1
   * @return changed head
   */
  public LabelsHead labelSmoothing(double smoothing) {
    return new LabelsHead(settings().labelSmoothing(smoothing));
  }

  /**
   * Uses the focal loss {@code -(1 - p_t)^gamma log p_t}, p_t being the probability of the right
   * answer: Lin et al. 2017, arXiv:1708.02002.
   *
   * @param gamma strength of the focus on hard entries, finite, at least 0; 2 in the paper
   * @return changed head
   */
  public LabelsHead focal(double gamma) {
    return focalLoss(gamma, NO_ALPHA);
  }

  /**
   * Uses the focal loss {@code -alpha_t (1 - p_t)^gamma log p_t}, alpha_t being {@code alpha} for
   * positive entries and {@code 1 - alpha} for the others.
   *
   * @param gamma strength of the focus on hard entries, finite, at least 0; 2 in the paper
   * @param alpha weight of positive entries, 0 to 1; 0.25 in the paper
   * @return changed head
   */
  public LabelsHead focal(double gamma, double alpha) {
    return focalLoss(gamma, Arguments.inRange("alpha", alpha, 0, 1));
  }

  @Override
  public LabelsHead weight(double weight) {
    return new LabelsHead(settings().weight(weight));
  }

  @Override
  public LabelsHead initializer(Initializer initializer) {
    return new LabelsHead(settings().initializer(initializer));
  }

  @Override
  public LabelsHead normalization(LossNormalization normalization) {
    return new LabelsHead(settings().normalization(normalization));
  }

  private LabelsHead focalLoss(double gamma, double alpha) {
    Arguments.notNegative("gamma", gamma);
    return new LabelsHead(
        settings().with("loss", "focal").with("focal_gamma", gamma).with("focal_alpha", alpha));
  }
}
