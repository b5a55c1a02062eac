// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.AdaptationReport;
import dev.espalier.Evaluation;
import dev.espalier.Metric;
import dev.espalier.Task;
import dev.espalier.TaskEvaluation;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What was learned, for people and for programs. */
final class LearningReport {
  private LearningReport() {}

  static void print(Learning.Result result, Path target, PrintWriter out) {
    out.println(result.report());
    if (result.evaluation().isPresent()) {
      out.printf("%nOn the test examples, which nothing was chosen by:%n");
      out.println(result.evaluation().get());
    } else {
      out.printf("%nOn the validation examples, which chose it, so too good (no --test):%n");
      out.println(result.validation());
    }
    out.printf("%nSaved as %s: predict, serve and inspect read it.%n", target);
  }

  static Map<String, Object> described(Learning.Result result, Path target) {
    AdaptationReport report = result.report();
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("output", target.toString());
    all.put("sha256", Checksum.of(target));
    List<Object> trials = new ArrayList<>();
    for (AdaptationReport.Trial trial : report.trials()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("setting", trial.setting().toString());
      one.put("value", trial.value().isPresent() ? Json.number(trial.value().getAsDouble()) : null);
      one.put("steps", trial.steps());
      one.put("seconds", trial.seconds());
      one.put("note", trial.note());
      one.put("chosen", trial == report.chosen());
      trials.add(one);
    }
    all.put("trials", trials);
    all.put("chosen_by", report.chosenBy());
    all.put("seconds", report.seconds());
    all.put("warnings", report.history().warnings());
    all.put("tasks", result.tasks().stream().map(LearningReport::described).toList());
    all.put("validation", described(result.validation()));
    all.put("test", result.evaluation().map(LearningReport::described).orElse(null));
    return all;
  }

  private static Map<String, Object> described(Task task) {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("name", task.name());
    one.put("kind", task.kind().name().toLowerCase(java.util.Locale.ROOT));
    one.put("outputs", task.outputNames());
    one.put("thresholds", task.thresholds());
    return one;
  }

  /** Returns all metrics of an evaluation. */
  static Map<String, Object> described(Evaluation evaluation) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("examples", evaluation.exampleCount());
    all.put("loss", Json.number(evaluation.loss()));
    List<Object> metrics = new ArrayList<>();
    for (TaskEvaluation task : evaluation.tasks()) {
      for (Metric metric : task.metrics().all()) {
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("task", task.task());
        one.put("metric", metric.name());
        one.put("label", metric.label());
        one.put("value", Json.number(metric.value()));
        one.put("support", metric.support());
        metrics.add(one);
      }
    }
    all.put("metrics", metrics);
    return all;
  }
}
