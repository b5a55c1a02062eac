// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.NativeCall;
import java.util.Map;
import java.util.Objects;

/**
 * One of the things that a network reads: a name, a shape, and whether its values are floats or
 * integers, as ids and lengths are. Immutable.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Input {
  private final String name;
  private final Shape shape;
  private final boolean isInteger;

  private Input(String name, Shape shape, boolean isInteger) {
    this.name = NativeCall.text(name, "name");
    this.shape = Objects.requireNonNull(shape, "shape");
    this.isInteger = isInteger;
  }

  /**
   * Describes an input of floats.
   *
   * @param name name, as a layer's; no layer has the same
   * @param shape shape of one example
   * @return the input
   */
  public static Input floats(String name, Shape shape) {
    return new Input(name, shape, false);
  }

  /**
   * Describes an input of 32-bit integers. In rows of floats they are whole numbers, exact up to
   * 2<sup>24</sup>. Texts of several lengths have an input of ids with as many places as the
   * longest may have, padded with any valid id, and one that says how many are valid ({@link
   * TransformerOptions#lengths}).
   *
   * @param name name, as a layer's; no layer has the same
   * @param shape shape of one example
   * @return the input
   */
  public static Input integers(String name, Shape shape) {
    return new Input(name, shape, true);
  }

  Input withShape(Shape other) {
    return new Input(name, other, isInteger);
  }

  static Input of(Map<?, ?> spec) {
    return new Input(
        (String) spec.get("name"),
        Descriptions.shape(spec.get("shape")),
        "int32".equals(spec.get("type")));
  }

  /**
   * Returns the name by which layers, data sets and {@link InputValues} mean it.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * Returns the shape of one example.
   *
   * @return the shape
   */
  public Shape shape() {
    return shape;
  }

  /**
   * Tells whether its values are integers.
   *
   * @return false for floats
   */
  public boolean isInteger() {
    return isInteger;
  }

  /** Returns its type as model files name it. */
  String type() {
    return isInteger ? "int32" : "float32";
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Input input
        && name.equals(input.name)
        && shape.equals(input.shape)
        && isInteger == input.isInteger;
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, shape, isInteger);
  }

  /** Returns for example {@code "ids [128] of integers"}. */
  @Override
  public String toString() {
    return name + " " + shape + (isInteger ? " of integers" : "");
  }
}
