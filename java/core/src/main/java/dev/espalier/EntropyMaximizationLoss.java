// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.Objects;

/**
 * A loss for labels of which only yeses are written down, so that a blank may be either: Zhou et
 * al. 2022, "Acknowledging the Unknown for Multi-label Learning with Single Positive Labels",
 * arXiv:2203.16219.
 *
 * <pre>{@code
 * Trainer.of(network)
 *     .loss("finding", EntropyMaximizationLoss.of(0.1))
 *     .fit(Blanks.asNo(data, "finding"));
 * }</pre>
 *
 * <p>With p = sigmoid(z) of an entry, H(p) = -p log p - (1 - p) log(1 - p) and answer y:
 *
 * <pre>  y (-log p) - (1 - y) α H(p),   gradient  y (p - 1) + (1 - y) α z p (1 - p):</pre>
 *
 * <p>a yes is learned as always, a blank pulls towards 0.5, and the less the surer the network is:
 * examples like known yeses are left alone. The loss may be below 0. What trains by it alone where
 * nothing is yes stays undecided.
 *
 * <p>A blank has to say so with a 0 ({@link Blanks#asNo}): unlabelled entries have no effect, as
 * always. Probabilities are no frequencies; choose thresholds by {@link Network#tuneThresholds} on
 * data with both answers. The head's own settings have no effect, as with every {@link Loss}.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class EntropyMaximizationLoss implements Loss {
  private final double alpha;

  private EntropyMaximizationLoss(double alpha) {
    this.alpha = alpha;
  }

  /**
   * Returns the loss.
   *
   * @param alpha α, the weight of blanks, above 0 and at most 1: 0.01 to 0.2 in the paper; 0.01 and
   *     0.1 were best in docs/advice.md
   * @return the loss
   * @throws IllegalArgumentException if it is out of its range
   */
  public static EntropyMaximizationLoss of(double alpha) {
    return new EntropyMaximizationLoss(
        Arguments.inRange("alpha", Arguments.positive("alpha", alpha), 0, 1));
  }

  @Override
  public double compute(LossBatch batch) {
    Logistic.requireLabels("entropy maximization", Objects.requireNonNull(batch, "batch"));
    double sum = 0;
    for (int i = 0; i < batch.logits().length; i++) {
      if (batch.mask()[i]) {
        double z = batch.logits()[i];
        double y = batch.targets()[i];
        double p = Logistic.sigmoid(z);
        double rest = Logistic.sigmoid(-z); // 1 - p, without its rounding
        double entropy = p * Logistic.softplus(-z) + rest * Logistic.softplus(z);
        sum += y * Logistic.softplus(-z) - (1 - y) * alpha * entropy;
        batch.gradients()[i] = (float) (-y * rest + (1 - y) * alpha * z * p * rest);
      }
    }
    return sum;
  }

  /** Returns for example {@code "EntropyMaximizationLoss[alpha 0.1]"}. */
  @Override
  public String toString() {
    return "EntropyMaximizationLoss[alpha " + alpha + ']';
  }
}
