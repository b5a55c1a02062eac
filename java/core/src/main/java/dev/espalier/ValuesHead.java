// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;

/**
 * A head of real numbers: {@link Head#values}. Immutable; each setting returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class ValuesHead extends Head {
  ValuesHead(HeadSettings settings) {
    super(settings);
  }

  /**
   * Uses the Huber loss: {@code d^2/2} for differences d up to {@code delta}, then {@code delta
   * (|d| - delta/2)}.
   *
   * @param delta finite and above 0
   * @return changed head
   */
  public ValuesHead huber(double delta) {
    Arguments.positive("delta", delta);
    return new ValuesHead(settings().with("loss", "huber").with("huber_delta", delta));
  }

  @Override
  public ValuesHead weight(double weight) {
    return new ValuesHead(settings().weight(weight));
  }

  @Override
  public ValuesHead initializer(Initializer initializer) {
    return new ValuesHead(settings().initializer(initializer));
  }

  @Override
  public ValuesHead normalization(LossNormalization normalization) {
    return new ValuesHead(settings().normalization(normalization));
  }
}
