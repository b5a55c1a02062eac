// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Shape;
import dev.espalier.Target;
import java.util.List;

/**
 * The targets of a table with the numbers of its rows as inputs: {@link Datasets} splits it, and
 * what comes out tells which rows were taken.
 */
record RowNumbers(Table table) implements Dataset {
  private static final int LOW = 1 << 12; // two numbers, so that a float holds each exactly

  @Override
  public int size() {
    return table.size();
  }

  @Override
  public Shape inputShape() {
    return Shape.vector(2);
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    destination[offset] = index / LOW;
    destination[offset + 1] = index % LOW;
  }

  @Override
  public List<Target> targets() {
    return table.targets();
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    return table.readTarget(task, index, destination, offset);
  }

  @Override
  public boolean isStable() {
    return true;
  }

  /** Returns the rows that a part of this has. */
  static int[] rows(Dataset part) {
    int[] rows = new int[part.size()];
    float[] input = new float[2];
    for (int i = 0; i < rows.length; i++) {
      part.readInput(i, input, 0);
      rows[i] = (int) input[0] * LOW + (int) input[1];
    }
    return rows;
  }
}
