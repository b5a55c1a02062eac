// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.EpochResult;
import dev.espalier.History;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Learning curves as points, for the report. */
final class Curves {
  private Curves() {}

  /** Training and validation cost by epoch, counted from 1. */
  static Map<String, double[][]> losses(History history) {
    Map<String, double[][]> curves = new LinkedHashMap<>();
    curves.put("training", byEpoch(history, EpochResult::loss));
    curves.put("validation", byEpoch(history, e -> e.validationLoss().orElse(Double.NaN)));
    return curves;
  }

  /** A validation metric of a task by epoch. */
  static double[][] metric(History history, String task, String metric) {
    return byEpoch(history, e -> e.validation().orElseThrow().task(task).metric(metric).value());
  }

  /** A validation metric of each label by step, at the epochs that were validated. */
  static Map<String, double[][]> perLabel(
      History history, String task, String metric, String... labels) {
    Map<String, double[][]> curves = new LinkedHashMap<>();
    for (String label : labels) {
      List<double[]> points = new ArrayList<>();
      long steps = 0;
      for (EpochResult epoch : history.epochs()) {
        steps += epoch.steps();
        if (epoch.validation().isPresent()) {
          double value = epoch.validation().get().task(task).metric(metric, label).value();
          if (!Double.isNaN(value)) {
            points.add(new double[] {steps, value});
          }
        }
      }
      curves.put(label, points.toArray(double[][]::new));
    }
    return curves;
  }

  private static double[][] byEpoch(History history, ToDoubleFunction<EpochResult> value) {
    return history.epochs().stream()
        .map(epoch -> new double[] {epoch.epoch() + 1, value.applyAsDouble(epoch)})
        .toArray(double[][]::new);
  }
}
