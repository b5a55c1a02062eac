// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Objects;

/** Inputs in one array or buffer. */
final class ArrayDataset extends DescribedDataset {
  private final FloatBuffer inputs;
  private final Shape shape;
  private final int size;

  ArrayDataset(FloatBuffer inputs, Shape shape) {
    this.inputs = Objects.requireNonNull(inputs, "inputs");
    this.shape = Objects.requireNonNull(shape, "shape");
    if (inputs.capacity() % shape.size() != 0) {
      throw new ShapeException(
          "inputs: expected a multiple of "
              + shape.size()
              + " values for examples "
              + shape
              + ", got "
              + inputs.capacity());
    }
    size = inputs.capacity() / shape.size();
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public Shape inputShape() {
    return shape;
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    Arguments.index("index", index, size);
    inputs.get(index * shape.size(), destination, offset, shape.size());
  }

  @Override
  public List<Target> targets() {
    return List.of();
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    DerivedDataset.find(this, task);
    return false;
  }

  @Override
  public boolean isStable() {
    return true;
  }

  @Override
  String origin() {
    return "an array";
  }
}
