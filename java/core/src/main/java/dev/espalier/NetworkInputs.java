// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** All inputs of a network, in order: in rows of floats they lie one after another. */
record NetworkInputs(List<Input> list, Shape shape) {
  static NetworkInputs of(List<Input> inputs) {
    if (inputs.size() == 1) {
      return new NetworkInputs(List.copyOf(inputs), inputs.get(0).shape());
    }
    int size = 0;
    for (Input input : inputs) {
      size = Math.addExact(size, input.shape().size());
    }
    return new NetworkInputs(List.copyOf(inputs), Shape.vector(size));
  }

  /** Reads them from a network's spec. */
  static NetworkInputs of(Map<?, ?> spec) {
    if (spec.get("inputs") == null) {
      return of(List.of(Input.floats("input", Descriptions.shape(spec.get("input")))));
    }
    List<Input> inputs = new ArrayList<>();
    for (Object input : (List<?>) spec.get("inputs")) {
      inputs.add(Input.of((Map<?, ?>) input));
    }
    return of(inputs);
  }

  /** Returns the only input with another shape. */
  NetworkInputs withShape(Shape other) {
    return of(List.of(list.get(0).withShape(other)));
  }

  /** Returns the values of a row. */
  int size() {
    return shape.size();
  }

  /** Returns true if bytes can be given for its values: one input, of floats. */
  boolean takesPixels() {
    return list.size() == 1 && !list.get(0).isInteger();
  }

  /**
   * Refuses data whose inputs are others. A single input fits by its shape, or as a vector of as
   * many values, whatever its name; several by name, shape and order.
   */
  void require(String what, Dataset data) {
    Shape got = Objects.requireNonNull(data.inputShape(), () -> what + ": inputShape()");
    List<Input> named = Objects.requireNonNull(data.inputs(), () -> what + ": inputs()");
    if (list.size() > 1 || named.size() > 1) {
      if (!named.equals(list)) {
        throw new ShapeException(
            what
                + ": expected the inputs "
                + list
                + ", in this order, got "
                + (named.isEmpty() ? got + " without names" : named)
                + "; InputDatasets joins inputs with names");
      }
      return;
    }
    boolean isFlat = got.rank() == 1 && got.size() == shape.size();
    if (!got.equals(shape) && !isFlat) {
      throw new ShapeException(what + ": expected inputs " + shape + ", got " + got);
    }
  }
}
