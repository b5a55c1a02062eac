// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Espalier;
import dev.espalier.report.Chart;
import dev.espalier.report.Section;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/** What the pages of the demonstrations have in common: charts of ways, answers, verdicts. */
final class ReportParts {
  private ReportParts() {}

  /** A line for each way, over the sizes that the scores are grouped by. */
  static <S> Chart overSizes(
      String axisX,
      String axisY,
      Map<String, Map<String, S>> scores,
      Function<S, Spread> measure,
      Map<String, String> names) {
    Chart chart = Chart.steps(axisX, axisY, List.copyOf(scores.keySet()));
    for (String way : scores.values().iterator().next().keySet()) {
      List<Spread> ofWay = new ArrayList<>();
      scores.values().forEach(ways -> ofWay.add(measure.apply(ways.get(way))));
      chart = chart.ranges(names.get(way), ranges(ofWay));
    }
    return chart;
  }

  /** For each way a bar of each size; where a size has not the way, there is none. */
  static <S> Chart bars(
      String axisY,
      Map<String, Map<String, S>> scores,
      Function<S, Spread> measure,
      Map<String, String> names) {
    List<String> ways = new ArrayList<>();
    scores
        .values()
        .forEach(of -> of.keySet().stream().filter(w -> !ways.contains(w)).forEach(ways::add));
    Chart chart = Chart.bars(axisY, ways.stream().map(names::get).toList());
    for (Map.Entry<String, Map<String, S>> size : scores.entrySet()) {
      List<Spread> ofSize = new ArrayList<>();
      for (String way : ways) {
        S score = size.getValue().get(way);
        ofSize.add(score == null ? new Spread(Double.NaN, 0) : measure.apply(score));
      }
      chart = chart.ranges(size.getKey(), ranges(ofSize));
    }
    return chart;
  }

  private static double[][] ranges(List<Spread> spreads) {
    return spreads.stream()
        .map(
            s ->
                new double[] {
                  s.mean(), s.mean() - s.standardDeviation(), s.mean() + s.standardDeviation()
                })
        .toArray(double[][]::new);
  }

  /** A row for each size and way, whose cells after them are made of the score. */
  static <S> List<List<Object>> rows(
      Map<String, Map<String, S>> scores,
      Map<String, String> names,
      Function<S, List<Object>> cells) {
    List<List<Object>> rows = new ArrayList<>();
    scores.forEach(
        (size, ways) ->
            ways.forEach(
                (way, score) -> {
                  List<Object> row = new ArrayList<>(List.of(size, names.get(way)));
                  row.addAll(cells.apply(score));
                  rows.add(row);
                }));
    return rows;
  }

  static Section verdicts(Section section, List<Map<String, Object>> verdicts) {
    Section with = section;
    for (Map<String, Object> verdict : verdicts) {
      with = with.verdict((String) verdict.get("text"), (Boolean) verdict.get("expected"));
    }
    return with;
  }

  /** The line below the title: machine, date and time taken. */
  static String subtitle(double seconds) {
    return String.format(
        Locale.ROOT,
        "%s · Java %s · %s · %.0f s in all",
        Espalier.describe(),
        System.getProperty("java.version"),
        LocalDate.now(),
        seconds);
  }

  static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  static String figure(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }
}
