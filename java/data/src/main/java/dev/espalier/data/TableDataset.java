// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.Dataset;
import dev.espalier.Shape;
import dev.espalier.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Rows of a table as a network reads them, turned into input values when they are read. */
final class TableDataset implements Dataset {
  private final Table table;
  private final TableInputs inputs;
  private final int[] columns; // of the table, for each of the inputs
  private final List<int[]> places = new ArrayList<>(); // of a table's category among the inputs'

  /** Throws an {@link IllegalArgumentException} if a column is missing, or of another role. */
  TableDataset(Table table, TableInputs inputs) {
    this.table = table;
    this.inputs = inputs;
    columns = new int[inputs.columns().size()];
    for (int c = 0; c < columns.length; c++) {
      InputColumn column = inputs.columns().get(c);
      columns[c] = table.place(column.name());
      ColumnRole role = table.columns().get(columns[c]).role();
      if (role != column.role()) {
        throw new IllegalArgumentException(
            "column \""
                + column.name()
                + "\": expected the role "
                + TableColumn.word(column.role())
                + ", got "
                + TableColumn.word(role)
                + "; options() of the table that the inputs were fitted to has the roles");
      }
      places.add(column.isCategory() ? places(column, table.data(columns[c])) : new int[0]);
    }
  }

  private static int[] places(InputColumn column, ColumnData data) {
    Map<String, Integer> known = column.places();
    return data.differentTexts().stream().mapToInt(text -> known.getOrDefault(text, -1)).toArray();
  }

  @Override
  public int size() {
    return table.size();
  }

  @Override
  public Shape inputShape() {
    return inputs.shape();
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    Objects.checkIndex(index, size());
    Objects.checkFromIndexSize(offset, inputs.size(), destination.length);
    int at = offset;
    for (int c = 0; c < columns.length; c++) {
      InputColumn column = inputs.columns().get(c);
      double number = table.number(columns[c], index);
      boolean isPlace = column.isCategory() && !Double.isNaN(number);
      column.write(isPlace ? places.get(c)[(int) number] : number, destination, at);
      at += column.width();
    }
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

  /** Returns the number of rows, and what is read of each. */
  @Override
  public String toString() {
    return "TableDataset["
        + size()
        + " rows, "
        + inputs.size()
        + " inputs each, "
        + targets()
        + "]";
  }
}
