// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.Dataset;
import dev.espalier.Evaluation;
import dev.espalier.Metric;
import dev.espalier.Metrics;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.Target;
import dev.espalier.Task;
import dev.espalier.TaskEvaluation;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** How well a network answers: metrics, and from a data set what they come from. */
final class EvaluationSection {
  private EvaluationSection() {}

  /** Of metrics alone. */
  static Section of(String title, Evaluation evaluation) {
    Section section = start(title, evaluation);
    for (TaskEvaluation task : evaluation.tasks()) {
      section = metrics(section, task);
    }
    return section;
  }

  /** Of a network on a data set. */
  static Section of(String title, Network network, Dataset data, Examples examples) {
    Evaluation evaluation = network.evaluate(data);
    Section section = start(title, evaluation);
    try (Predictor logits = network.predictor(PredictorOptions.defaults().logits())) {
      ExampleData shown = new ExampleData(data, logits, examples);
      float[][] outputs = logits.predict(data);
      int column = 0;
      for (Task task : logits.tasks()) {
        boolean isOnly = logits.tasks().size() == 1;
        Target target = KnownAnswers.target(data, task, isOnly).orElse(null);
        if (target != null) {
          TaskEvaluation of = evaluation.task(task.name());
          section = metrics(section, of);
          section =
              switch (task.kind()) {
                case LABELS ->
                    LabelBlocks.add(
                        section,
                        of.metrics(),
                        column,
                        outputs,
                        KnownAnswers.numbers(data, task, target),
                        shown);
                case CLASSES ->
                    ClassBlocks.add(
                        section,
                        of.metrics(),
                        column,
                        outputs,
                        KnownAnswers.classes(data, task, target),
                        shown);
                case VALUES ->
                    ValueBlocks.add(
                        section,
                        task,
                        column,
                        outputs,
                        KnownAnswers.numbers(data, task, target),
                        shown);
              };
        }
        column += task.width();
      }
    }
    return section;
  }

  private static Section start(String title, Evaluation evaluation) {
    return Section.titled(title)
        .plain(
            String.format(
                Locale.ROOT,
                "%,d examples, loss %.4f. What nobody labelled counts in nothing.",
                evaluation.exampleCount(),
                evaluation.loss()));
  }

  /** Adds the metrics of a task: of the whole, and a row for each label, class or value. */
  private static Section metrics(Section section, TaskEvaluation evaluation) {
    Metrics metrics = evaluation.metrics();
    Task task = metrics.task();
    Section with =
        section
            .heading(task.name().isEmpty() ? words(task.kind()) : task.name())
            .table(
                List.of("metric of the whole task", "value", "support"),
                metrics.all().stream()
                    .filter(metric -> metric.label().isEmpty())
                    .map(m -> List.<Object>of(words(m.name()), m.value(), m.support()))
                    .toList());
    with = with.table(header(metrics), rows(metrics));
    return task.kind() == Task.Kind.CLASSES ? Confusion.add(with, metrics) : with;
  }

  private static List<String> header(Metrics metrics) {
    Task task = metrics.task();
    List<String> header = new ArrayList<>();
    switch (task.kind()) {
      case LABELS -> header.addAll(List.of("label", "yes", "no", "blank"));
      case CLASSES -> header.addAll(List.of("class", "examples"));
      case VALUES -> header.add("value");
    }
    names(metrics).forEach(name -> header.add(words(name)));
    if (task.kind() == Task.Kind.LABELS) {
      header.add("threshold");
    }
    return header;
  }

  private static List<List<Object>> rows(Metrics metrics) {
    Task task = metrics.task();
    List<String> names = names(metrics);
    List<List<Object>> rows = new ArrayList<>();
    for (int j = 0; j < task.width(); j++) {
      String label = task.outputNames().get(j);
      List<Object> row = new ArrayList<>(List.of(label));
      if (task.kind() != Task.Kind.VALUES) {
        row.add(metrics.counts(label).knownYes());
      }
      if (task.kind() == Task.Kind.LABELS) {
        row.add(metrics.counts(label).knownNo());
        row.add(metrics.counts(label).blanks());
      }
      names.forEach(name -> row.add(metrics.metric(name, label).value()));
      if (task.kind() == Task.Kind.LABELS) {
        row.add(task.thresholds().get(j));
      }
      rows.add(row);
    }
    return rows;
  }

  /** Returns the names of what each label, class or value has. */
  private static List<String> names(Metrics metrics) {
    return metrics.all().stream()
        .filter(metric -> metric.label().equals(metrics.task().outputNames().get(0)))
        .map(Metric::name)
        .distinct()
        .toList();
  }

  private static String words(Task.Kind kind) {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  static String words(String metric) {
    return switch (metric) {
      case Metric.AUC -> "AUC";
      case Metric.MACRO_AUC -> "macro AUC";
      case Metric.LRAP -> "LRAP";
      case Metric.EXPECTED_CALIBRATION_ERROR -> "ECE";
      case Metric.F1 -> "F1";
      case Metric.MICRO_F1 -> "micro F1";
      case Metric.MACRO_F1 -> "macro F1";
      case Metric.R2 -> "R²";
      case Metric.HAMMING_LOSS -> "Hamming loss";
      case Metric.TOP5_ACCURACY -> "top 5 accuracy";
      default -> metric.replace('_', ' ');
    };
  }
}
