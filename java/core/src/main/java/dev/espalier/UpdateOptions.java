// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of gradients and weights around the optimizer's rule.
 *
 * @param clipValue limit of each gradient; null: none
 * @param clipNorm limit of all together; null: none
 * @param decaysBiasesAndNorms whether weight decay acts on them, too
 * @param averageDecay of the average of weights; empty: none
 * @param startDecay towards the weights at the start
 */
record UpdateOptions(
    @Nullable Double clipValue,
    @Nullable Double clipNorm,
    boolean decaysBiasesAndNorms,
    OptionalDouble averageDecay,
    double startDecay) {
  static UpdateOptions usual() {
    return new UpdateOptions(null, null, false, OptionalDouble.empty(), 0);
  }

  UpdateOptions clipValue(double limit) {
    return new UpdateOptions(limit, clipNorm, decaysBiasesAndNorms, averageDecay, startDecay);
  }

  UpdateOptions clipNorm(double limit) {
    return new UpdateOptions(clipValue, limit, decaysBiasesAndNorms, averageDecay, startDecay);
  }

  UpdateOptions decaysBiasesAndNorms(boolean decays) {
    return new UpdateOptions(clipValue, clipNorm, decays, averageDecay, startDecay);
  }

  UpdateOptions averageDecay(double decay) {
    return new UpdateOptions(
        clipValue, clipNorm, decaysBiasesAndNorms, OptionalDouble.of(decay), startDecay);
  }

  UpdateOptions startDecay(double decay) {
    return new UpdateOptions(clipValue, clipNorm, decaysBiasesAndNorms, averageDecay, decay);
  }
}
