// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Arrays;
import java.util.Objects;

/**
 * Dimensions of one example, slowest first: {@code [channels, height, width]} for an image, {@code
 * [n]} for a vector. The batch is never part of it. Immutable.
 *
 * <p>Every dimension is at least 1, there are 1 to {@value #MAX_RANK} of them, and their product is
 * at most {@link Integer#MAX_VALUE}, so that an example fits a {@code float[]}.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Shape {
  /** The most dimensions that a shape can have. */
  public static final int MAX_RANK = 8;

  private final int[] dimensions;
  private final int size;

  private Shape(int[] dimensions) {
    if (dimensions.length < 1 || dimensions.length > MAX_RANK) {
      throw new IllegalArgumentException(
          "expected 1 to " + MAX_RANK + " dimensions, got " + dimensions.length);
    }
    long product = 1;
    for (int dimension : dimensions) {
      if (dimension < 1) {
        throw new IllegalArgumentException(
            "expected dimensions of at least 1, got " + Arrays.toString(dimensions));
      }
      product *= dimension;
      if (product > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            "expected at most 2^31 - 1 elements, got " + Arrays.toString(dimensions));
      }
    }
    this.dimensions = dimensions;
    this.size = (int) product;
  }

  /**
   * Returns the shape {@code [channels, height, width]}.
   *
   * @param channels number of channels, at least 1
   * @param height number of rows, at least 1
   * @param width number of columns, at least 1
   * @return the shape
   * @throws IllegalArgumentException if a dimension is below 1 or the product above 2^31 - 1
   */
  public static Shape image(int channels, int height, int width) {
    return new Shape(new int[] {channels, height, width});
  }

  /**
   * Returns the shape {@code [size]}.
   *
   * @param size number of values, at least 1
   * @return the shape
   * @throws IllegalArgumentException if {@code size} is below 1
   */
  public static Shape vector(int size) {
    return new Shape(new int[] {size});
  }

  /**
   * Returns a shape of any rank.
   *
   * @param dimensions dimensions, slowest first; 1 to {@value #MAX_RANK} of them, each at least 1
   * @return the shape
   * @throws IllegalArgumentException if rank, a dimension or the product is out of range
   */
  public static Shape of(int... dimensions) {
    return new Shape(Objects.requireNonNull(dimensions, "dimensions").clone());
  }

  /**
   * Returns the dimensions, slowest first.
   *
   * @return a copy of the dimensions
   */
  public int[] dims() {
    return dimensions.clone();
  }

  /**
   * Returns the number of dimensions.
   *
   * @return 1 to {@value #MAX_RANK}
   */
  public int rank() {
    return dimensions.length;
  }

  /**
   * Returns the number of elements: the product of the dimensions.
   *
   * @return at least 1
   */
  public int size() {
    return size;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(dimensions, shape.dimensions);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dimensions);
  }

  /** Returns for example {@code "[1, 28, 28]"}. */
  @Override
  public String toString() {
    return Arrays.toString(dimensions);
  }
}
