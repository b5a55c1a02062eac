// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Some examples of another data set, in an order of its own. */
final class SubsetDataset extends DerivedDataset {
  private final int[] indices;

  SubsetDataset(Dataset base, int[] indices) {
    super(base);
    this.indices = indices;
    int size = base.size();
    for (int index : indices) {
      Arguments.index("indices", index, size);
    }
  }

  static Dataset range(Dataset base, int from, int to) {
    if (from < 0 || from > to || to > base.size()) {
      throw new IndexOutOfBoundsException(
          "range: expected 0 <= from <= to <= " + base.size() + ", got " + from + " to " + to);
    }
    return new SubsetDataset(base, IntStream.range(from, to).toArray());
  }

  /** Cuts an order of all examples in two. */
  static Split split(Dataset base, double fraction, int[] order) {
    int first = firstCount(base, fraction);
    return new Split(
        new SubsetDataset(base, Arrays.copyOfRange(order, 0, first)),
        new SubsetDataset(base, Arrays.copyOfRange(order, first, order.length)));
  }

  static int firstCount(Dataset base, double fraction) {
    return (int) Math.round(Arguments.inRange("fraction", fraction, 0, 1) * base.size());
  }

  @Override
  String derivation() {
    return "part of ";
  }

  @Override
  Dataset over(Dataset other) {
    return new SubsetDataset(other, indices);
  }

  @Override
  int[] baseExamples(int[] examples) {
    return Arrays.stream(examples).map(this::at).toArray();
  }

  @Override
  public int size() {
    return indices.length;
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    base.readInput(at(index), destination, offset);
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    return base.readTarget(task, at(index), destination, offset);
  }

  @Override
  public void expect(int[] examples) {
    base.expect(baseExamples(examples));
  }

  private int at(int index) {
    return indices[Arguments.index("index", index, indices.length)];
  }
}
