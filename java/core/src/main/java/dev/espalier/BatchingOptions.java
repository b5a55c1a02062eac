// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * How a {@link BatchingPredictor} joins requests: immutable; each method that takes a value returns
 * options of their own.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class BatchingOptions {
  private static final BatchingOptions DEFAULTS =
      new BatchingOptions(64, Duration.ZERO, 1024, Duration.ofSeconds(10));

  private final int maxBatchSize;
  private final Duration maxWait;
  private final int queueCapacity;
  private final Duration timeout;

  private BatchingOptions(int maxBatchSize, Duration maxWait, int queueCapacity, Duration timeout) {
    this.maxBatchSize = maxBatchSize;
    this.maxWait = maxWait;
    this.queueCapacity = queueCapacity;
    this.timeout = timeout;
  }

  /**
   * Returns the defaults: batches of 64 out of what came while the former one ran, 1024 waiting
   * examples, 10 seconds.
   *
   * @return the options
   */
  public static BatchingOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Sets how many examples are joined; no request may have more.
   *
   * @param size 1 to 2^16
   * @return changed options
   * @throws IllegalArgumentException if it is out of range
   */
  public BatchingOptions maxBatchSize(int size) {
    Arguments.inRange("maxBatchSize", size, 1, 1 << 16);
    return new BatchingOptions(size, maxWait, queueCapacity, timeout);
  }

  /**
   * Sets how long a request may wait for others to join, beyond those that came while the former
   * batch ran. It pays only where many callers come in bursts and a batch costs much less than its
   * examples one by one; a caller who is alone waits for nobody, each time, and so long.
   *
   * @param wait 0, the default, to one minute
   * @return changed options
   * @throws IllegalArgumentException if it is out of range
   */
  public BatchingOptions maxWait(Duration wait) {
    Objects.requireNonNull(wait, "maxWait");
    if (wait.isNegative() || wait.compareTo(Duration.ofMinutes(1)) > 0) {
      throw new IllegalArgumentException("maxWait: expected 0 to one minute, got " + wait);
    }
    return new BatchingOptions(maxBatchSize, wait, queueCapacity, timeout);
  }

  /**
   * Sets how many examples may wait; more are turned away by {@link OverloadedException}.
   *
   * @param capacity 1 to 2^20
   * @return changed options
   * @throws IllegalArgumentException if it is out of range
   */
  public BatchingOptions queueCapacity(int capacity) {
    Arguments.inRange("queueCapacity", capacity, 1, 1 << 20);
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
    return new BatchingOptions(maxBatchSize, maxWait, queueCapacity, requireTimeout(limit));
  }

  /**
   * Returns how many examples are joined at most.
   *
   * @return 1 to 2^16
   */
  public int maxBatchSize() {
    return maxBatchSize;
  }

  /**
   * Returns how long a request may wait for others to join.
   *
   * @return 0 to one minute
   */
  public Duration maxWait() {
    return maxWait;
  }

  /**
   * Returns how many examples may wait.
   *
   * @return 1 to 2^20
   */
  public int queueCapacity() {
    return queueCapacity;
  }

  /**
   * Returns the time after which a request is given up, where its call does not say.
   *
   * @return above 0, at most a day
   */
  public Duration timeout() {
    return timeout;
  }

  private List<Object> values() {
    return List.of(maxBatchSize, maxWait, queueCapacity, timeout);
  }

  /** Returns whether the other ones are options of the same values. */
  @Override
  public boolean equals(Object other) {
    return other instanceof BatchingOptions options && values().equals(options.values());
  }

  @Override
  public int hashCode() {
    return values().hashCode();
  }

  /** Returns all values by name. */
  @Override
  public String toString() {
    return "BatchingOptions[maxBatchSize="
        + maxBatchSize
        + ", maxWait="
        + maxWait
        + ", queueCapacity="
        + queueCapacity
        + ", timeout="
        + timeout
        + "]";
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
