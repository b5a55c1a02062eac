// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Fits inputs to the rows to train on. */
final class InputFit {
  private final Table table;
  private final boolean isScaled;

  private InputFit(Table table, boolean isScaled) {
    this.table = table;
    this.isScaled = isScaled;
  }

  static TableInputs of(Table table, boolean isScaled) {
    if (table.size() == 0) {
      throw new IllegalArgumentException("training: expected at least one row, got none");
    }
    InputFit fit = new InputFit(table, isScaled);
    List<InputColumn> inputs = new ArrayList<>();
    Set<String> unused = new HashSet<>();
    for (int c = 0; c < table.columns().size(); c++) {
      TableColumn column = table.columns().get(c);
      switch (column.role()) {
        case NUMBER, DATE -> inputs.add(fit.number(c, column));
        case CATEGORY -> inputs.add(fit.category(c, column));
        default -> unused.add(column.name());
      }
    }
    TableInputs fitted = new TableInputs(inputs, unused, table.readWith().blanks());
    if (fitted.size() == 0) {
      throw new IllegalArgumentException(
          "training: expected a column of role number, category or date, with a value, got "
              + table);
    }
    return fitted;
  }

  private InputColumn number(int c, TableColumn column) {
    long known = 0;
    double mean = 0;
    double squares = 0; // of distances from the mean, by Welford's updates
    for (int i = 0; i < table.size(); i++) {
      double number = table.number(c, i);
      if (!Double.isNaN(number)) {
        known++;
        double distance = number - mean;
        mean += distance / known;
        squares += distance * (number - mean);
      }
    }
    boolean hasBlanks = known > 0 && known < table.size();
    double perDeviation = 1 / Math.sqrt(squares / known);
    // A column that says nothing stays 0, whatever it has later: nothing was learned of it.
    boolean differs = perDeviation < Float.MAX_VALUE;
    double factor = !isScaled ? 1 : differs ? perDeviation : 0;
    double shift = isScaled ? mean : 0;
    double fill = isScaled ? 0 : mean;
    return column.role() == ColumnRole.DATE
        ? InputColumn.date(
            column.name(), hasBlanks, shift, factor, fill, table.readWith().dateFormat())
        : InputColumn.number(column.name(), hasBlanks, shift, factor, fill);
  }

  private InputColumn category(int c, TableColumn column) {
    List<String> texts = table.data(c).differentTexts();
    int[] counts = new int[texts.size()];
    boolean hasBlanks = false;
    for (int i = 0; i < table.size(); i++) {
      double place = table.number(c, i);
      if (Double.isNaN(place)) {
        hasBlanks = true;
      } else {
        counts[(int) place]++;
      }
    }
    List<String> seen = new ArrayList<>();
    List<String> often = new ArrayList<>();
    for (int place = 0; place < counts.length; place++) {
      if (counts[place] > 0) {
        seen.add(texts.get(place));
      }
      if (counts[place] > 1) {
        often.add(texts.get(place));
      }
    }
    boolean areRareUnknown = !often.isEmpty() && often.size() < seen.size();
    List<String> categories = areRareUnknown ? often : seen;
    categories.sort(TableReader.inOrder(categories));
    return InputColumn.category(
        column.name(), hasBlanks && !seen.isEmpty(), categories, areRareUnknown);
  }
}
