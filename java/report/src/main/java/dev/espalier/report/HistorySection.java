// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.EpochResult;
import dev.espalier.Evaluation;
import dev.espalier.History;
import dev.espalier.Metric;
import dev.espalier.Task;
import dev.espalier.TaskEvaluation;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/** How training went: what it cost and what it brought, by epoch. */
final class HistorySection {
  /** Whole-task metrics that are shares of something, and so share an axis. */
  private static final Set<String> SHARES =
      Set.of(
          Metric.ACCURACY,
          Metric.TOP5_ACCURACY,
          Metric.MACRO_F1,
          Metric.MACRO_AUC,
          Metric.MEAN_AVERAGE_PRECISION,
          Metric.HAMMING_LOSS,
          Metric.R2);

  private static final int MOST_LABELS = 10;

  private HistorySection() {}

  static Section of(String title, History history) {
    return add(Section.titled(title), history);
  }

  static Section add(Section section, History history) {
    Section with = section.plain(summary(history));
    for (String warning : history.warnings()) {
      with = with.verdict("Warning: " + warning, false);
    }
    return history.epochs().isEmpty() ? with : with.charts(charts(history).toArray(Chart[]::new));
  }

  private static String summary(History history) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%,d epochs, %,d steps, %.1f s; ended by %s",
            history.epochs().size(),
            history.steps(),
            history.seconds(),
            history.stopReason().name().toLowerCase(Locale.ROOT).replace('_', ' ')));
    history.bestEpoch().ifPresent(best -> text.append("; weights of epoch ").append(best + 1));
    text.append(history.cacheNote().isEmpty() ? "." : "; features " + history.cacheNote() + ".");
    return text.toString();
  }

  private static List<Chart> charts(History history) {
    List<Chart> charts = new ArrayList<>();
    Chart loss =
        Chart.lines("epoch", "loss").points("training", byEpoch(history, EpochResult::loss));
    if (history.epochs().stream().anyMatch(epoch -> epoch.validation().isPresent())) {
      loss =
          loss.points("validation", byEpoch(history, e -> e.validationLoss().orElse(Double.NaN)));
    }
    charts.add(loss.caption("Loss of an example, in training before each step's update."));
    lastValidation(history)
        .forEach(
            task -> {
              charts.add(shares(history, task));
              if (task.metrics().task().kind() == Task.Kind.LABELS) {
                charts.add(aucs(history, task));
              }
            });
    charts.add(
        Chart.lines("epoch", "learning rate")
            .points("learning rate", byEpoch(history, EpochResult::learningRate))
            .caption("Learning rate of each epoch's last step."));
    return charts;
  }

  private static List<TaskEvaluation> lastValidation(History history) {
    List<TaskEvaluation> last = List.of();
    for (EpochResult epoch : history.epochs()) {
      last = epoch.validation().map(Evaluation::tasks).orElse(last);
    }
    return last;
  }

  private static Chart shares(History history, TaskEvaluation task) {
    Map<String, double[][]> curves = new LinkedHashMap<>();
    for (Metric metric : task.metrics().all()) {
      if (metric.label().isEmpty() && SHARES.contains(metric.name())) {
        curves.put(
            EvaluationSection.words(metric.name()), curve(history, task.task(), metric.name(), ""));
      }
    }
    Chart chart =
        Chart.lines("epoch", curves.size() == 1 ? curves.keySet().iterator().next() : "share");
    for (Map.Entry<String, double[][]> curve : curves.entrySet()) {
      chart = chart.points(curve.getKey(), curve.getValue());
    }
    return chart.caption(task.task() + ", on the validation data.");
  }

  private static Chart aucs(History history, TaskEvaluation task) {
    List<String> labels = task.metrics().task().outputNames();
    int count = Math.min(MOST_LABELS, labels.size());
    Chart chart = Chart.lines("epoch", "AUC");
    for (String label : labels.subList(0, count)) {
      chart = chart.points(label, curve(history, task.task(), Metric.AUC, label));
    }
    return chart.caption(
        task.task()
            + (count < labels.size() ? ", the first " + count + " of its labels" : ", each label")
            + ", on the validation data.");
  }

  private static double[][] curve(History history, String task, String metric, String label) {
    return byEpoch(
        history,
        epoch ->
            epoch
                .validation()
                .map(validation -> validation.task(task).metrics().metric(metric, label).value())
                .orElse(Double.NaN));
  }

  /** Returns points whose epochs count from 1. */
  private static double[][] byEpoch(History history, ToDoubleFunction<EpochResult> value) {
    return history.epochs().stream()
        .map(epoch -> new double[] {epoch.epoch() + 1, value.applyAsDouble(epoch)})
        .toArray(double[][]::new);
  }
}
