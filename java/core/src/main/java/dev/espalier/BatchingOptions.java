// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.time.Duration;
import java.util.Objects;

/**
 * How a {@link BatchingPredictor} joins requests.
 *
 * @param maxBatchSize requests joined at most, 1 to 2^16
 * @param maxWait how long a request may wait for others to join, from 0 (it is joined with those
 *     that came while the former batch ran) to one minute
 * @param queueCapacity requests that may wait, 1 to 2^20; more are turned away by {@link
 *     OverloadedException}
 * @param timeout the time after which a request is given up, above 0; at most a day
 */
public record BatchingOptions(
    int maxBatchSize, Duration maxWait, int queueCapacity, Duration timeout) {
  private static final BatchingOptions DEFAULTS =
      new BatchingOptions(64, Duration.ofNanos(200_000), 1024, Duration.ofSeconds(10));

  /**
   * Checks the ranges.
   *
   * @param maxBatchSize as for the record
   * @param maxWait as for the record
   * @param queueCapacity as for the record
   * @param timeout as for the record
   * @throws IllegalArgumentException if a value is out of its range
   */
  public BatchingOptions {
    Arguments.inRange("maxBatchSize", maxBatchSize, 1, 1 << 16);
    Arguments.inRange("queueCapacity", queueCapacity, 1, 1 << 20);
    Objects.requireNonNull(maxWait, "maxWait");
    if (maxWait.isNegative() || maxWait.compareTo(Duration.ofMinutes(1)) > 0) {
      throw new IllegalArgumentException("maxWait: expected 0 to one minute, got " + maxWait);
    }
    requireTimeout(timeout);
  }

  /**
   * Returns the defaults: batches of 64, waiting for 0.2 ms, 1024 waiting requests, 10 seconds.
   *
   * @return the options
   */
  public static BatchingOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Sets how many requests are joined.
   *
   * @param size 1 to 2^16
   * @return changed options
   * @throws IllegalArgumentException if it is out of range
   */
  public BatchingOptions maxBatchSize(int size) {
    return new BatchingOptions(size, maxWait, queueCapacity, timeout);
  }

  /**
   * Sets how long a request may wait for others to join.
   *
   * @param wait 0 to one minute
   * @return changed options
   * @throws IllegalArgumentException if it is out of range
   */
  public BatchingOptions maxWait(Duration wait) {
    return new BatchingOptions(maxBatchSize, wait, queueCapacity, timeout);
  }

  /**
   * Sets how many requests may wait.
   *
   * @param capacity 1 to 2^20
   * @return changed options
   * @throws IllegalArgumentException if it is out of range
   */
  public BatchingOptions queueCapacity(int capacity) {
    return new BatchingOptions(maxBatchSize, maxWait, capacity, timeout);
  }

  /**
   * Sets when a request is given up, where its call does not say.
   *
   * @param limit above 0, at most a day
   * @return changed options
   * @throws IllegalArgumentException if it is out of range
   */
  public BatchingOptions timeout(Duration limit) {
    return new BatchingOptions(maxBatchSize, maxWait, queueCapacity, limit);
  }

  /** Returns the checked time-out. */
  static Duration requireTimeout(Duration timeout) {
    Objects.requireNonNull(timeout, "timeout");
    if (timeout.isNegative() || timeout.isZero() || timeout.compareTo(Duration.ofDays(1)) > 0) {
      throw new IllegalArgumentException(
          "timeout: expected above 0, at most a day, got " + timeout);
    }
    return timeout;
  }
}
