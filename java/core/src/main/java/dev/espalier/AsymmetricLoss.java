// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.Objects;

/**
 * A loss for labels of which few are yes: easy noes count less than easy yeses, and the easiest
 * nothing. Ben-Baruch et al. 2021, "Asymmetric Loss For Multi-Label Classification",
 * arXiv:2009.14119.
 *
 * <p>With p = sigmoid(z) of an entry, q = max(p - m, 0) and answer y:
 *
 * <pre>  -y (1 - p)^γ₊ log p - (1 - y) q^γ₋ log(1 - q),</pre>
 *
 * <p>so that a no with p ≤ m has neither loss nor gradient. γ₊ = γ₋ = 0 and m = 0 is the usual
 * cross entropy, γ₊ = γ₋ = γ and m = 0 the focal loss ({@link LabelsHead#focal(double)}).
 *
 * <p>Probabilities are no frequencies: {@link Network#calibrate} makes them so. Unlabelled entries
 * have no effect; the head's own settings have none either, as with every {@link Loss}. Immutable;
 * each setting returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class AsymmetricLoss implements Loss {
  private final double gammaPositive;
  private final double gammaNegative;
  private final double margin;

  private AsymmetricLoss(double gammaPositive, double gammaNegative, double margin) {
    this.gammaPositive = gammaPositive;
    this.gammaNegative = gammaNegative;
    this.margin = margin;
  }

  /**
   * Returns the loss with the settings of the paper: γ₊ = 0, γ₋ = 4, m = 0.05.
   *
   * @return the loss
   */
  public static AsymmetricLoss defaults() {
    return new AsymmetricLoss(0, 4, 0.05);
  }

  /**
   * Sets how much easy entries count less: the larger, the less.
   *
   * @param positive γ₊, finite and at least 0
   * @param negative γ₋, finite and at least 0
   * @return changed loss
   * @throws IllegalArgumentException if one is out of its range
   */
  public AsymmetricLoss focusing(double positive, double negative) {
    return new AsymmetricLoss(
        Arguments.notNegative("positive", positive),
        Arguments.notNegative("negative", negative),
        margin);
  }

  /**
   * Sets up to which probability a no counts for nothing.
   *
   * @param margin m, at least 0, below 1
   * @return changed loss
   * @throws IllegalArgumentException if it is out of its range
   */
  public AsymmetricLoss margin(double margin) {
    return new AsymmetricLoss(gammaPositive, gammaNegative, Arguments.fraction("margin", margin));
  }

  @Override
  public double compute(LossBatch batch) {
    Logistic.requireLabels("asymmetric loss", Objects.requireNonNull(batch, "batch"));
    double sum = 0;
    for (int i = 0; i < batch.logits().length; i++) {
      if (batch.mask()[i]) {
        sum += compute(batch, i);
      }
    }
    return sum;
  }

  private double compute(LossBatch batch, int entry) {
    double z = batch.logits()[entry];
    double y = batch.targets()[entry];
    double p = Logistic.sigmoid(z);
    double rest = Logistic.sigmoid(-z); // 1 - p, without its rounding
    double yes = 0;
    double yesSlope = 0;
    if (y > 0) {
      double focus = Math.pow(rest, gammaPositive);
      double surprise = Logistic.softplus(-z); // -log p
      yes = focus * surprise;
      yesSlope = -focus * (gammaPositive * p * surprise + rest);
    }
    double no = 0;
    double noSlope = 0;
    if (y < 1 && p > margin) {
      double shifted = p - margin;
      double focus = Math.pow(shifted, gammaNegative);
      double surprise = margin == 0 ? Logistic.softplus(z) : -Math.log(rest + margin);
      double slope = margin == 0 ? p : p * rest / (rest + margin); // of the surprise
      no = focus * surprise;
      noSlope = focus * (gammaNegative * p * rest / shifted * surprise + slope);
    }
    batch.gradients()[entry] = (float) (y * yesSlope + (1 - y) * noSlope);
    return y * yes + (1 - y) * no;
  }

  /** Returns for example {@code "AsymmetricLoss[focusing 0.0 and 4.0, margin 0.05]"}. */
  @Override
  public String toString() {
    return "AsymmetricLoss[focusing "
        + gammaPositive
        + " and "
        + gammaNegative
        + ", margin "
        + margin
        + ']';
  }
}
