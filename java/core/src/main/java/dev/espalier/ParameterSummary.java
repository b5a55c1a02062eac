// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Objects;

/**
 * A parameter or buffer of a network.
 *
 * @param path its name, as in files: {@code "conv1.weight"}, {@code "heads.digit.dense.bias"}
 * @param shape dense weights {@code [out, in]}, convolution weights {@code [out, in/groups, h, w]}
 * @param isBuffer true if it is saved but not trained: running mean and variance
 */
public record ParameterSummary(String path, Shape shape, boolean isBuffer) {
  /**
   * Checks for nulls.
   *
   * @param path as for the record
   * @param shape as for the record
   * @param isBuffer as for the record
   * @throws NullPointerException if a component is null
   */
  public ParameterSummary {
    Objects.requireNonNull(path, "path");
    Objects.requireNonNull(shape, "shape");
  }
}
