// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * What a predictor has done since it was made; from {@link Predictor#statistics()}.
 *
 * @param calls calls that reached native code, batches counted once
 * @param failedCalls calls of them that ended in an exception
 * @param workspaces sets of buffers made: one for each caller at the same time
 * @param temporaryWorkspaces sets of them that served one call, because more callers came at once
 *     than the pool has places
 * @param nativeBytes native memory that the predictor holds now
 */
public record PredictorStatistics(
    long calls, long failedCalls, long workspaces, long temporaryWorkspaces, long nativeBytes) {
  private static final Map<String, ToDoubleFunction<Predictor>> GAUGES = makeGauges();

  /**
   * Returns the figures as functions by name, for libraries of metrics that ask an object for a
   * number now and then, such as Micrometer: {@code PredictorStatistics.gauges().forEach((name,
   * figure) -> Gauge.builder(name, predictor, figure).register(registry))}. A closed predictor
   * answers NaN.
   *
   * @return names that begin with {@code "espalier.predictor."}, in order
   */
  public static Map<String, ToDoubleFunction<Predictor>> gauges() {
    return GAUGES;
  }

  private static Map<String, ToDoubleFunction<Predictor>> makeGauges() {
    Map<String, ToDoubleFunction<Predictor>> gauges = new TreeMap<>();
    gauges.put("espalier.predictor.calls", gauge(PredictorStatistics::calls));
    gauges.put("espalier.predictor.failed.calls", gauge(PredictorStatistics::failedCalls));
    gauges.put("espalier.predictor.workspaces", gauge(PredictorStatistics::workspaces));
    gauges.put(
        "espalier.predictor.temporary.workspaces", gauge(PredictorStatistics::temporaryWorkspaces));
    gauges.put("espalier.predictor.native.bytes", gauge(PredictorStatistics::nativeBytes));
    return Collections.unmodifiableMap(gauges);
  }

  private static ToDoubleFunction<Predictor> gauge(ToDoubleFunction<PredictorStatistics> figure) {
    return predictor -> {
      try {
        return figure.applyAsDouble(predictor.statistics());
      } catch (IllegalStateException closed) {
        return Double.NaN;
      }
    };
  }
}
