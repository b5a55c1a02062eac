// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.function.Supplier;

/**
 * What a {@link BatchingPredictor} has done since it was made. Each accepted request ends up in
 * {@code answered}, {@code failed} or {@code givenUp}, whatever the number of its examples.
 *
 * @param accepted requests that were let in
 * @param shed requests that were turned away by {@link OverloadedException}
 * @param answered requests whose answers were computed in time
 * @param failed requests that ended in another exception
 * @param givenUp requests that were cancelled, interrupted or out of time
 * @param batches batches that were run
 * @param waiting examples that wait now
 * @since 0.1
 */
public record BatchingStatistics(
    long accepted, long shed, long answered, long failed, long givenUp, long batches, int waiting) {
  static List<Instrument> instruments(Supplier<BatchingStatistics> source) {
    String prefix = "espalier.batching.";
    return List.of(
        Instrument.counter(
            prefix + "accepted", "Requests let in.", source, BatchingStatistics::accepted),
        Instrument.counter(
            prefix + "shed",
            "Requests turned away because too many waited.",
            source,
            BatchingStatistics::shed),
        Instrument.counter(
            prefix + "answered",
            "Requests whose answers were computed in time.",
            source,
            BatchingStatistics::answered),
        Instrument.counter(
            prefix + "failed",
            "Requests that ended in an exception other than being late.",
            source,
            BatchingStatistics::failed),
        Instrument.counter(
            prefix + "given.up",
            "Requests that were cancelled, interrupted or out of time.",
            source,
            BatchingStatistics::givenUp),
        Instrument.counter(prefix + "batches", "Batches run.", source, BatchingStatistics::batches),
        Instrument.gauge(
            prefix + "waiting", "Examples that wait now.", source, BatchingStatistics::waiting));
  }
}
