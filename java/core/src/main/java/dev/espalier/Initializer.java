// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Locale;

/**
 * How the weights of a new layer are drawn, n being the inputs (fan-in) and m the outputs (fan-out)
 * of one unit.
 *
 * <p>Where a layer names none, the activation that follows decides: {@link #HE_NORMAL} before relu,
 * gelu and silu, {@link #GLOROT_UNIFORM} before sigmoid and tanh and for output layers. Biases
 * start at 0.
 */
public enum Initializer {
  /** All 0. */
  ZEROS,
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
