// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * What one example has for each input of a network, by name: {@code
 * predictor.predict(InputValues.of("ids", ids).and("length", ids.length))}. Immutable; arrays are
 * copied.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class InputValues {
  private final Map<String, float[]> values;

  private InputValues(Map<String, float[]> values) {
    this.values = values;
  }

  /**
   * Begins with values of an input.
   *
   * @param input name of the input
   * @param values all values of it, row-major
   * @return the values of one input
   */
  public static InputValues of(String input, float... values) {
    return new InputValues(Map.of()).and(input, values);
  }

  /**
   * Begins with whole numbers, for an input of integers or of floats.
   *
   * @param input name of the input
   * @param values all values of it, row-major
   * @return the values of one input
   * @throws IllegalArgumentException if a number is not exact as a float
   */
  public static InputValues of(String input, int... values) {
    return new InputValues(Map.of()).and(input, values);
  }

  /**
   * Adds values of another input.
   *
   * @param input name of the input
   * @param values all values of it, row-major
   * @return these values and those before
   * @throws IllegalArgumentException if the input has values already
   */
  public InputValues and(String input, float... values) {
    Map<String, float[]> all = new LinkedHashMap<>(this.values);
    float[] copy = Objects.requireNonNull(values, "values").clone();
    if (all.put(Objects.requireNonNull(input, "input"), copy) != null) {
      throw new IllegalArgumentException(
          "input: expected one without values yet, got \"" + input + "\"");
    }
    return new InputValues(all);
  }

  /**
   * Adds whole numbers, for another input of integers or of floats.
   *
   * @param input name of the input
   * @param values all values of it, row-major
   * @return these values and those before
   * @throws IllegalArgumentException if the input has values already, or a number is not exact as a
   *     float
   */
  public InputValues and(String input, int... values) {
    return and(input, floats(Objects.requireNonNull(values, "values")));
  }

  /** Returns whole numbers as floats. */
  static float[] floats(int[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values[i];
      if ((double) floats[i] != values[i]) {
        throw new IllegalArgumentException(
            "values: expected integers that are exact as floats (all are up to 2^24), got "
                + values[i]
                + " at place "
                + i);
      }
    }
    return floats;
  }

  /** Returns the row that holds the values in the order of {@code inputs}. */
  float[] row(NetworkInputs inputs) {
    float[] row = new float[inputs.size()];
    int offset = 0;
    List<String> names = inputs.list().stream().map(Input::name).toList();
    if (!values.keySet().equals(Set.copyOf(names))) {
      throw new IllegalArgumentException(
          "input: expected values of " + names + ", got those of " + values.keySet());
    }
    for (Input input : inputs.list()) {
      float[] of = values.get(input.name());
      if (of.length != input.shape().size()) {
        throw new ShapeException(
            "input \""
                + input.name()
                + "\": expected "
                + input.shape().size()
                + " values for "
                + input.shape()
                + ", got "
                + of.length);
      }
      System.arraycopy(of, 0, row, offset, of.length);
      offset += of.length;
    }
    return row;
  }

  /** Returns the names of the inputs. */
  @Override
  public String toString() {
    return "InputValues" + values.keySet();
  }
}
