// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spring;

import dev.espalier.BatchingOptions;
import dev.espalier.Precision;
import dev.espalier.PredictorOptions;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties that begin with {@code espalier}. What is not set is as the library has it.
 *
 * @param model The model's file: a path, or a location such as classpath:garments.safetensors.
 * @param maxBatchSize Examples that are computed at once; more are computed piece by piece.
 * @param threads Threads of a prediction.
 * @param precision How the weights lie in memory.
 * @param batching Whether and how concurrent requests are joined.
 * @since 0.1
 */
@ConfigurationProperties("espalier")
public record EspalierProperties(
    @Nullable String model,
    @Nullable Integer maxBatchSize,
    @Nullable Integer threads,
    @Nullable Precision precision,
    @DefaultValue Batching batching) {
  /**
   * The properties that begin with {@code espalier.batching}.
   *
   * @param enabled Whether there is a BatchingPredictor, too, which joins concurrent requests.
   * @param maxBatchSize Most examples of a batch.
   * @param maxWait How long a batch waits for more requests.
   * @param queueCapacity Examples that may wait; requests beyond are turned away.
   * @param timeout How long a request may take.
   * @since 0.1
   */
  public record Batching(
      @DefaultValue("false") boolean enabled,
      @Nullable Integer maxBatchSize,
      @Nullable Duration maxWait,
      @Nullable Integer queueCapacity,
      @Nullable Duration timeout) {
    BatchingOptions options() {
      BatchingOptions options = BatchingOptions.defaults();
      options = maxBatchSize == null ? options : options.maxBatchSize(maxBatchSize);
      options = maxWait == null ? options : options.maxWait(maxWait);
      options = queueCapacity == null ? options : options.queueCapacity(queueCapacity);
      return timeout == null ? options : options.timeout(timeout);
    }
  }

  PredictorOptions options() {
    PredictorOptions options = PredictorOptions.defaults();
    options = maxBatchSize == null ? options : options.maxBatchSize(maxBatchSize);
    options = threads == null ? options : options.threads(threads);
    return precision == null ? options : options.precision(precision);
  }
}
