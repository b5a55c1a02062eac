// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.Head;
import dev.espalier.Target;
import java.util.List;

/** A task of a table: its targets, and the columns that have them. */
record TableTask(Target target, TableOptions.TaskKind kind, List<ColumnData> columns) {
  Head head() {
    String[] names = target.names().toArray(String[]::new);
    return switch (kind) {
      case LABELS -> Head.labels(names);
      case VALUES -> Head.values(names);
      case CLASSES -> Head.classes(names);
    };
  }

  /** Writes the targets of a row; returns false if there are none. */
  boolean read(int row, float[] destination, int offset) {
    boolean isKnown = false;
    for (ColumnData column : columns) {
      isKnown |= !Double.isNaN(column.number(row));
    }
    for (int j = 0; isKnown && j < columns.size(); j++) {
      destination[offset + j] = (float) columns.get(j).number(row);
    }
    return isKnown;
  }
}
