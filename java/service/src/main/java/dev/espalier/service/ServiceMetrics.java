// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import dev.espalier.Instrument;
import dev.espalier.micrometer.EspalierMetrics;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

/** Counts requests and their times beside what the model and the JVM count, for Prometheus. */
final class ServiceMetrics implements AutoCloseable {
  private static final long[] BOUNDS_MICROS = {
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 1_000_000
  };

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final JvmGcMetrics collector = new JvmGcMetrics();
  private final Map<Integer, Counter> requests = new ConcurrentHashMap<>();
  private final Timer times;
  private final Counter reloads;

  ServiceMetrics(List<Instrument> instruments) {
    times =
        Timer.builder("espalier.request")
            .description("Time inside the service.")
            .serviceLevelObjectives(
                LongStream.of(BOUNDS_MICROS)
                    .mapToObj(micros -> Duration.ofNanos(1_000 * micros))
                    .toArray(Duration[]::new))
            .register(registry);
    reloads =
        Counter.builder("espalier.model.reloads")
            .description("Times that the model was replaced.")
            .register(registry);
    EspalierMetrics.of(instruments).bindTo(registry);
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    collector.bindTo(registry);
  }

  void countRequest(int status, long durationNanos) {
    requests.computeIfAbsent(status, this::requests).increment();
    times.record(durationNanos, TimeUnit.NANOSECONDS);
  }

  private Counter requests(int status) {
    return Counter.builder("espalier.requests")
        .description("Predictions asked for, by status.")
        .tag("status", Integer.toString(status))
        .register(registry);
  }

  void countExplanation(int status) {
    Counter.builder("espalier.explanations")
        .description("Explanations asked for, by status.")
        .tag("status", Integer.toString(status))
        .register(registry)
        .increment();
  }

  void countReload() {
    reloads.increment();
  }

  /** Returns all figures in Prometheus' text format. */
  String text() {
    return registry.scrape();
  }

  @Override
  public void close() {
    collector.close();
    registry.close();
  }
}
