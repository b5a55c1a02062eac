// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.List;
import java.util.Objects;

/** Inputs as one array an example. */
final class RowsDataset extends DescribedDataset {
  private final float[][] inputs;
  private final Shape shape;

  RowsDataset(float[][] inputs) {
    this.inputs = Objects.requireNonNull(inputs, "inputs");
    if (inputs.length == 0) {
      throw new ShapeException("inputs: expected at least one example, got none");
    }
    for (int i = 0; i < inputs.length; i++) {
      int example = i;
      Objects.requireNonNull(inputs[i], () -> "inputs: row of example " + example);
      if (inputs[i].length != inputs[0].length || inputs[i].length == 0) {
        throw new ShapeException(
            "inputs: expected examples of one length, at least 1, got "
                + inputs[0].length
                + " and, in example "
                + i
                + ", "
                + inputs[i].length);
      }
    }
    shape = Shape.vector(inputs[0].length);
  }

  @Override
  public int size() {
    return inputs.length;
  }

  @Override
  public Shape inputShape() {
    return shape;
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    float[] input = inputs[Arguments.index("index", index, inputs.length)];
    System.arraycopy(input, 0, destination, offset, shape.size());
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
    return "an array of rows";
  }
}
