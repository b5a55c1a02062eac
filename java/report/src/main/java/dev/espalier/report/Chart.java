// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.CheckReturnValue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A chart of a {@link Section}: lines or bars, with whiskers where values have a spread. Series of
 * one name have one color throughout a page. Immutable; each setting returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Chart {
  private final String kind;
  private final String axisX;
  private final String axisY;
  private final String caption;
  private final List<String> categories;
  private final List<Map<String, Object>> series;

  private Chart(
      String kind,
      String axisX,
      String axisY,
      String caption,
      List<String> categories,
      List<Map<String, Object>> series) {
    this.kind = kind;
    this.axisX = Objects.requireNonNull(axisX, "axisX");
    this.axisY = Objects.requireNonNull(axisY, "axisY");
    this.caption = Objects.requireNonNull(caption, "caption");
    this.categories = List.copyOf(Objects.requireNonNull(categories, "categories"));
    this.series = List.copyOf(series);
  }

  /**
   * Makes a chart of lines over numbers, such as epochs.
   *
   * @param axisX what is along
   * @param axisY what is up
   * @return a chart without series
   */
  public static Chart lines(String axisX, String axisY) {
    return new Chart("lines", axisX, axisY, "", List.of(), List.of());
  }

  /**
   * Makes a chart of single points.
   *
   * @param axisX what is along
   * @param axisY what is up
   * @return a chart without series
   */
  public static Chart scatter(String axisX, String axisY) {
    return new Chart("scatter", axisX, axisY, "", List.of(), List.of());
  }

  /**
   * Makes a chart of lines over categories, such as sizes of a data set, one as far from the next
   * as any. A series has a value for each.
   *
   * @param axisX what the categories are
   * @param axisY what is up
   * @param categories their names
   * @return a chart without series
   */
  public static Chart steps(String axisX, String axisY, List<String> categories) {
    return new Chart("steps", axisX, axisY, "", categories, List.of());
  }

  /**
   * Makes a chart of bars: for each category one of each series, side by side.
   *
   * @param axisY what is up
   * @param categories their names
   * @return a chart without series
   */
  public static Chart bars(String axisY, List<String> categories) {
    return new Chart("bars", "", axisY, "", categories, List.of());
  }

  /**
   * Adds a series of points to a chart over numbers.
   *
   * @param name for the legend
   * @param points {@code [count][2]}: along, up; values that are not finite are left out; not kept
   * @return changed chart
   * @throws IllegalArgumentException if the chart has categories, or a point has not two numbers
   */
  public Chart points(String name, double[][] points) {
    if (kind.equals("steps") || kind.equals("bars")) {
      throw new IllegalArgumentException(
          "points: expected a chart over numbers, got " + kind + " over categories");
    }
    List<double[]> copies = new ArrayList<>();
    for (double[] point : Objects.requireNonNull(points, "points")) {
      if (Objects.requireNonNull(point, "points").length != 2) {
        throw new IllegalArgumentException("points: expected 2 numbers each, got " + point.length);
      }
      if (Double.isFinite(point[0]) && Double.isFinite(point[1])) {
        copies.add(point.clone());
      }
    }
    return with(name, copies);
  }

  /**
   * Adds a series of values without a spread to a chart over categories.
   *
   * @param name for the legend
   * @param values one for each category; NaN where there is none; not kept
   * @return changed chart
   * @throws IllegalArgumentException if there are not as many as categories
   */
  public Chart values(String name, double... values) {
    double[][] ranges = new double[Objects.requireNonNull(values, "values").length][];
    for (int i = 0; i < values.length; i++) {
      ranges[i] = new double[] {values[i], values[i], values[i]};
    }
    return ranges(name, ranges);
  }

  /**
   * Adds a series of values with a spread to a chart over categories.
   *
   * @param name for the legend
   * @param ranges {@code [categories][3]}: value, lower end, upper end; a value of NaN where there
   *     is none; not kept
   * @return changed chart
   * @throws IllegalArgumentException if there are not as many as categories, or not three numbers
   *     each
   */
  public Chart ranges(String name, double[][] ranges) {
    if (Objects.requireNonNull(ranges, "ranges").length != categories.size()) {
      throw new IllegalArgumentException(
          "series: expected " + categories.size() + " values, got " + ranges.length);
    }
    List<double[]> copies = new ArrayList<>();
    for (double[] range : ranges) {
      if (Objects.requireNonNull(range, "ranges").length != 3) {
        throw new IllegalArgumentException("ranges: expected 3 numbers each, got " + range.length);
      }
      copies.add(range.clone());
    }
    return with(name, copies);
  }

  /**
   * Sets what stands below the chart.
   *
   * @param caption a sentence
   * @return changed chart
   */
  public Chart caption(String caption) {
    return new Chart(kind, axisX, axisY, caption, categories, series);
  }

  private Chart with(String name, List<double[]> data) {
    List<Map<String, Object>> all = new ArrayList<>(series);
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("name", Objects.requireNonNull(name, "name"));
    one.put("data", data);
    all.add(one);
    return new Chart(kind, axisX, axisY, caption, categories, all);
  }

  Map<String, Object> block() {
    Map<String, Object> block = new LinkedHashMap<>();
    block.put("kind", "chart");
    block.put("form", kind);
    block.put("axisX", axisX);
    block.put("axisY", axisY);
    block.put("caption", caption);
    block.put("categories", categories);
    block.put("series", series);
    return block;
  }

  /** Returns for example {@code "lines of loss over epoch: training, validation"}. */
  @Override
  public String toString() {
    List<String> names = series.stream().map(one -> (String) one.get("name")).toList();
    return kind
        + " of "
        + axisY
        + (axisX.isEmpty() ? "" : " over " + axisX)
        + (names.isEmpty() ? "" : ": " + String.join(", ", names));
  }
}
