// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a column of a table holds: a number a row (NaN where it is blank), or a text. Of categories
 * and classes the number is the place of a text in a list.
 */
final class ColumnData {
  /** Numbers lie in pieces, the first of which grows: there may be many columns, or many rows. */
  private static final int CHUNK = 1 << 14;

  private static final int FIRST = 16;

  private final List<double[]> chunks = new ArrayList<>();
  private final List<String> texts = new ArrayList<>();
  private final Map<String, Integer> places = new HashMap<>();
  private int size;

  void add(double number) {
    int at = size % CHUNK;
    if (at == 0) {
      chunks.add(new double[size == 0 ? FIRST : CHUNK]);
    } else if (at == chunks.get(size / CHUNK).length) {
      chunks.set(0, Arrays.copyOf(chunks.get(0), Math.min(2 * at, CHUNK)));
    }
    chunks.get(size / CHUNK)[at] = number;
    size++;
  }

  /** Adds a text for {@link #text}. */
  void add(String text) {
    texts.add(text);
  }

  /** Returns the place of a text among those that differ, which may be a new one. */
  int place(String text) {
    Integer place = places.putIfAbsent(text, texts.size());
    if (place != null) {
      return place;
    }
    texts.add(text);
    return texts.size() - 1;
  }

  double number(int row) {
    return chunks.get(row / CHUNK)[row % CHUNK];
  }

  /** Returns the text of a row, or at a place. */
  String text(int index) {
    return texts.get(index);
  }

  /** Returns the texts that differ, by place. */
  List<String> differentTexts() {
    return texts;
  }

  int blanks() {
    int count = 0;
    for (int row = 0; row < size; row++) {
      count += Double.isNaN(number(row)) ? 1 : 0;
    }
    return count;
  }

  /** Brings the texts that differ into another order. */
  void reorder(List<String> ordered) {
    Map<String, Integer> placeOf = new HashMap<>();
    ordered.forEach(text -> placeOf.put(text, placeOf.size()));
    for (int row = 0; row < size; row++) {
      double old = number(row);
      if (!Double.isNaN(old)) {
        chunks.get(row / CHUNK)[row % CHUNK] = placeOf.get(texts.get((int) old));
      }
    }
    texts.clear();
    texts.addAll(ordered);
    places.clear();
    places.putAll(placeOf);
  }
}
