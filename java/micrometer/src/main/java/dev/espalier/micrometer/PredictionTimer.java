// SPDX-License-Identifier: Apache-2.0
package dev.espalier.micrometer;

import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Times predictions, whatever makes them, and counts their examples:
 *
 * <pre>{@code
 * PredictionTimer timer = PredictionTimer.of(registry, "model", "garments");
 * Prediction one = timer.record(1, () -> predictor.predictNamed(input));
 * CompletableFuture<float[]> other = timer.record(1, batching.submit(input));
 * }</pre>
 *
 * <p>Meters: the timers {@code espalier.prediction} with {@code outcome} {@code success} or {@code
 * error}, with buckets from 50 µs to a second for registries that take quantiles of many processes,
 * and the summary {@code espalier.prediction.examples} of how many examples a call had. Recording
 * takes some 0.1 µs. Any number of threads may use one.
 *
 * @since 0.1
 */
public final class PredictionTimer {
  private final Timer success;
  private final Timer error;
  private final DistributionSummary examples;

  private PredictionTimer(Timer success, Timer error, DistributionSummary examples) {
    this.success = success;
    this.error = error;
    this.examples = examples;
  }

  /**
   * Registers the meters, or finds them if they are there.
   *
   * @param registry gets the meters
   * @param tags keys and values of all meters, in turn
   * @return what records
   * @throws IllegalArgumentException if a key has no value
   */
  public static PredictionTimer of(MeterRegistry registry, String... tags) {
    Objects.requireNonNull(registry, "registry");
    Tags all = Tags.of(Objects.requireNonNull(tags, "tags"));
    return new PredictionTimer(
        timer(registry, all.and("outcome", "success")),
        timer(registry, all.and("outcome", "error")),
        DistributionSummary.builder("espalier.prediction.examples")
            .description("Examples of a call.")
            .tags(all)
            .register(registry));
  }

  private static Timer timer(MeterRegistry registry, Tags tags) {
    return Timer.builder("espalier.prediction")
        .description("Time of a prediction as its caller sees it.")
        .serviceLevelObjectives(LatencyBuckets.bounds())
        .tags(tags)
        .register(registry);
  }

  /**
   * Calls and records.
   *
   * @param <R> what the call returns
   * @param count examples of the call
   * @param call what predicts
   * @return what the call returned; what it throws is thrown
   */
  public <R> R record(int count, Supplier<R> call) {
    Objects.requireNonNull(call, "call");
    long start = System.nanoTime();
    boolean succeeded = false;
    try {
      R result = call.get();
      succeeded = true;
      return result;
    } finally {
      record(count, System.nanoTime() - start, succeeded);
    }
  }

  /**
   * Records when a prediction is done that has just been submitted, cancelled ones as errors.
   *
   * @param <R> the answer
   * @param count examples of the call
   * @param answer of what is called just now
   * @return the same future
   */
  public <R> CompletableFuture<R> record(int count, CompletableFuture<R> answer) {
    long start = System.nanoTime();
    Objects.requireNonNull(answer, "answer")
        .whenComplete(
            (result, failure) -> record(count, System.nanoTime() - start, failure == null));
    return answer;
  }

  private void record(int count, long nanos, boolean succeeded) {
    (succeeded ? success : error).record(nanos, TimeUnit.NANOSECONDS);
    examples.record(count);
  }

  /** Returns what has been recorded. */
  @Override
  public String toString() {
    return "PredictionTimer[" + success.count() + " answered, " + error.count() + " failed]";
  }
}
