// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.Task;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** What a page has of a task of values beside its metrics: predicted against known ones. */
final class ValueBlocks {
  /** Points of a chart; of more, every second, third and so on. */
  private static final int MOST_POINTS = 500;

  private ValueBlocks() {}

  /**
   * Adds them.
   *
   * @param column of the first value in {@code outputs}
   * @param outputs {@code [examples][outputs of all tasks]}
   * @param known {@code [values][examples]}
   */
  static Section add(
      Section section,
      Task task,
      int column,
      float[][] outputs,
      float[][] known,
      ExampleData shown) {
    Section with = section;
    int count = Math.min(LabelBlocks.MOST_CARDS, task.width());
    for (int j = 0; j < count; j++) {
      with =
          with.charts(chart(task.outputNames().get(j), column + j, outputs, known[j]))
              .with(farthest(task.outputNames().get(j), column + j, outputs, known[j], shown));
    }
    return with;
  }

  private static Chart chart(String name, int column, float[][] outputs, float[] known) {
    int[] labelled = labelled(known);
    int step = (labelled.length + MOST_POINTS - 1) / MOST_POINTS;
    List<double[]> points = new ArrayList<>();
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (int k = 0; k < labelled.length; k += Math.max(1, step)) {
      int i = labelled[k];
      points.add(new double[] {known[i], outputs[i][column]});
      low = Math.min(low, known[i]);
      high = Math.max(high, known[i]);
    }
    return Chart.scatter("known " + name, "predicted " + name)
        .points(name, points.toArray(double[][]::new))
        .points(
            "as known",
            points.isEmpty() ? new double[0][] : new double[][] {{low, low}, {high, high}})
        .caption(step > 1 ? "Every " + step + "th of " + labelled.length + " known ones." : "");
  }

  private static int[] labelled(float[] known) {
    return IntStream.range(0, known.length).filter(i -> !Float.isNaN(known[i])).toArray();
  }

  private static Map<String, Object> farthest(
      String name, int column, float[][] outputs, float[] known, ExampleData shown) {
    Map<String, Object> block = Section.block("examples");
    block.put("title", name + ": the farthest from what is known");
    block.put(
        "entries",
        IntStream.of(labelled(known))
            .boxed()
            .sorted(Comparator.comparingDouble(i -> -Math.abs(outputs[i][column] - known[i])))
            .limit(shown.perLabel())
            .map(i -> shown.entry(i, column, Figures.of(outputs[i][column]), Figures.of(known[i])))
            .toList());
    return block;
  }
}
