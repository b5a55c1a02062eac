// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How a column becomes input values.
 *
 * <p>Of a number or date x: {@code (x - shift) * factor}, {@code fill} where it is blank; then, if
 * rows to train on had blanks, whether it is. Of a category: 1 for the one that it is, 0 for the
 * others; then, if rows to train on had rare ones, whether it is none of these; then, as above,
 * whether it is blank.
 *
 * @param isBlankInput whether blanks have an input of their own
 * @param shift of numbers and dates; finite, as the next two
 * @param factor at least 0
 * @param fill a float
 * @param categories in order
 * @param isOtherInput whether unknown categories have an input of their own
 * @param dateFormat of dates; empty: ISO
 */
record InputColumn(
    String name,
    ColumnRole role,
    boolean isBlankInput,
    double shift,
    double factor,
    double fill,
    List<String> categories,
    boolean isOtherInput,
    String dateFormat) {
  static InputColumn number(
      String name, boolean isBlankInput, double shift, double factor, double fill) {
    return new InputColumn(
        name, ColumnRole.NUMBER, isBlankInput, shift, factor, fill, List.of(), false, "");
  }

  static InputColumn date(
      String name, boolean isBlankInput, double shift, double factor, double fill, String format) {
    return new InputColumn(
        name, ColumnRole.DATE, isBlankInput, shift, factor, fill, List.of(), false, format);
  }

  static InputColumn category(
      String name, boolean isBlankInput, List<String> categories, boolean isOtherInput) {
    return new InputColumn(
        name,
        ColumnRole.CATEGORY,
        isBlankInput,
        0,
        0,
        0,
        List.copyOf(categories),
        isOtherInput,
        "");
  }

  boolean isCategory() {
    return role == ColumnRole.CATEGORY;
  }

  int width() {
    return (isCategory() ? categories.size() + (isOtherInput ? 1 : 0) : 1) + (isBlankInput ? 1 : 0);
  }

  /** Returns a name for each input value. */
  List<String> inputNames() {
    List<String> names = new ArrayList<>();
    if (isCategory()) {
      categories.forEach(category -> names.add(name + " = " + category));
      if (isOtherInput) {
        names.add(name + " = another");
      }
    } else {
      names.add(name);
    }
    if (isBlankInput) {
      names.add(name + " is blank");
    }
    return names;
  }

  /** Returns the place of each category. */
  Map<String, Integer> places() {
    Map<String, Integer> places = new HashMap<>();
    categories.forEach(category -> places.put(category, places.size()));
    return places;
  }

  /**
   * Writes the input values of a number, of days, or of the place of a category, -1 if there is
   * none; NaN: blank.
   */
  void write(double value, float[] destination, int offset) {
    int width = width();
    for (int i = 0; i < width; i++) {
      destination[offset + i] = 0;
    }
    if (Double.isNaN(value)) {
      if (!isCategory()) {
        destination[offset] = (float) fill;
      }
      if (isBlankInput) {
        destination[offset + width - 1] = 1;
      }
    } else if (!isCategory()) {
      double scaled = (value - shift) * factor;
      double most = Float.MAX_VALUE;
      destination[offset] = (float) Math.max(-most, Math.min(most, scaled));
    } else if (value >= 0) {
      destination[offset + (int) value] = 1;
    } else if (isOtherInput) {
      destination[offset + categories.size()] = 1;
    }
  }
}
