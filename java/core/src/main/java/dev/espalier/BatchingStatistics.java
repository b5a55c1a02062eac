// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * What a {@link BatchingPredictor} has done since it was made. Each accepted request ends up in
 * {@code answered}, {@code failed} or {@code givenUp}.
 *
 * @param accepted requests that were let in
 * @param shed requests that were turned away by {@link OverloadedException}
 * @param answered requests whose answers were computed in time
 * @param failed requests that ended in another exception
 * @param givenUp requests that were cancelled, interrupted or out of time
 * @param batches batches that were run
 * @param waiting requests that wait now
 */
public record BatchingStatistics(
    long accepted,
    long shed,
    long answered,
    long failed,
    long givenUp,
    long batches,
    int waiting) {}
