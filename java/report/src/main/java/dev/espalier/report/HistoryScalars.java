// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.EpochResult;
import dev.espalier.Evaluation;
import dev.espalier.Metric;
import dev.espalier.TaskEvaluation;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The numbers of an epoch, each by the parts of its name. */
final class HistoryScalars {
  private HistoryScalars() {}

  /** Returns values by name; NaN where undefined. */
  static Map<List<String>, Double> of(EpochResult epoch) {
    Map<List<String>, Double> scalars = new LinkedHashMap<>();
    scalars.put(List.of("loss"), epoch.loss());
    if (epoch.taskLosses().size() > 1) {
      epoch.taskLosses().forEach((task, loss) -> scalars.put(List.of("loss", task), loss));
    }
    if (epoch.taskWeights().values().stream().anyMatch(weight -> weight != 1 && !weight.isNaN())) {
      epoch.taskWeights().forEach((task, weight) -> scalars.put(List.of("weight", task), weight));
    }
    scalars.put(List.of("learning_rate"), epoch.learningRate());
    epoch.validation().ifPresent(validation -> addValidation(validation, scalars));
    return scalars;
  }

  private static void addValidation(Evaluation validation, Map<List<String>, Double> scalars) {
    scalars.put(List.of("validation", "loss"), validation.loss());
    for (TaskEvaluation task : validation.tasks()) {
      for (Metric metric : task.metrics().all()) {
        List<String> name = new ArrayList<>(List.of("validation", task.task()));
        if (!metric.label().isEmpty()) {
          name.add(metric.label());
        }
        name.add(metric.name());
        scalars.put(List.copyOf(name), metric.value());
      }
    }
  }
}
