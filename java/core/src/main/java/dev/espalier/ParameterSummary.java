// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Objects;

/**
 * A parameter or buffer of a network. Immutable; equal to one that says the same.
 *
 * @since 0.1
 */
public final class ParameterSummary {
  private final String path;
  private final Shape shape;
  private final boolean isBuffer;

  ParameterSummary(String path, Shape shape, boolean isBuffer) {
    this.path = path;
    this.shape = shape;
    this.isBuffer = isBuffer;
  }

  /**
   * Returns its name, as in files.
   *
   * @return for example {@code "conv1.weight"} or {@code "heads.digit.dense.bias"}
   */
  public String path() {
    return path;
  }

  /**
   * Returns its shape.
   *
   * @return of dense weights {@code [out, in]}, of convolution weights {@code [out, in/groups, h,
   *     w]}
   */
  public Shape shape() {
    return shape;
  }

  /**
   * Returns whether it is saved but not trained.
   *
   * @return true for running means and variances
   */
  public boolean isBuffer() {
    return isBuffer;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ParameterSummary parameter
        && path.equals(parameter.path)
        && shape.equals(parameter.shape)
        && isBuffer == parameter.isBuffer;
  }

  @Override
  public int hashCode() {
    return Objects.hash(path, shape, isBuffer);
  }

  /** Returns for example {@code "conv1.weight [8, 1, 3, 3]"}. */
  @Override
  public String toString() {
    return path + " " + shape + (isBuffer ? ", a buffer" : "");
  }
}
