// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Locale;

/**
 * How the weights of a new layer are drawn, n being the inputs (fan-in) and m the outputs (fan-out)
 * of one unit.
 *
 * <p>Where a layer names none, the activation that follows decides: {@link #HE_NORMAL} before relu,
 * gelu and silu, {@link #GLOROT_UNIFORM} before sigmoid and tanh. For output layers see {@link
 * Head#initializer}. Biases start at 0; {@link Network#initializeBias} is another choice for those
 * of output layers.
 *
 * @since 0.1
 */
public enum Initializer {
  /** All 0. */
  ZEROS,
  /**
   * Normal with standard deviation 0.01, whatever n and m; for new output layers: Girshick 2015,
   * arXiv:1504.08083.
   */
  SMALL_NORMAL,
  /**
   * Uniform between ±1/sqrt(n), with variance 1/(3n): Glorot and Bengio 2010, equation 1; what
   * PyTorch draws for dense layers and convolutions.
   */
  STANDARD_UNIFORM,
  /** Normal with variance 2/n; He et al. 2015, arXiv:1502.01852. */
  HE_NORMAL,
  /** Uniform with variance 2/n. */
  HE_UNIFORM,
  /** Normal with variance 2/(n + m); Glorot and Bengio 2010. */
  GLOROT_NORMAL,
  /** Uniform with variance 2/(n + m). */
  GLOROT_UNIFORM,
  /** Normal with variance 1/n; LeCun et al. 1998. */
  LECUN_NORMAL,
  /** Uniform with variance 1/n. */
  LECUN_UNIFORM;

  String specName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
