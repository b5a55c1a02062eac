// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.function.Supplier;

/**
 * What a predictor has done since it was made; from {@link Predictor#statistics()}.
 *
 * @param calls calls that reached native code, batches counted once
 * @param failedCalls calls of them that ended in an exception
 * @param workspaces sets of buffers made: small ones at first for each of the library's threads,
 *     then one for each caller at the same time
 * @param temporaryWorkspaces sets of them that served one call, because more callers came at once
 *     than the pool has places
 * @param nativeBytes native memory that the predictor holds now
 * @since 0.1
 */
public record PredictorStatistics(
    long calls, long failedCalls, long workspaces, long temporaryWorkspaces, long nativeBytes) {
  static List<Instrument> instruments(Supplier<PredictorStatistics> source) {
    String prefix = "espalier.predictor.";
    return List.of(
        Instrument.counter(
            prefix + "calls",
            "Calls that reached native code, batches counted once.",
            source,
            PredictorStatistics::calls),
        Instrument.counter(
            prefix + "failed.calls",
            "Calls that ended in an exception.",
            source,
            PredictorStatistics::failedCalls),
        Instrument.counter(
            prefix + "workspaces",
            "Sets of buffers made, one for each caller at the same time.",
            source,
            PredictorStatistics::workspaces),
        Instrument.counter(
            prefix + "temporary.workspaces",
            "Sets of buffers that served one call, because too many callers came at once.",
            source,
            PredictorStatistics::temporaryWorkspaces),
        Instrument.gauge(
            prefix + "native.bytes",
            "Native memory that the predictor holds.",
            source,
            PredictorStatistics::nativeBytes));
  }
}
