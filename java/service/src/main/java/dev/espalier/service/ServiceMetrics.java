// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import dev.espalier.Instrument;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;

/** Counts requests and their times, and writes them in Prometheus' text format. */
final class ServiceMetrics {
  private static final double[] BOUNDS = {
    50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 100e-3, 1
  };

  private final Map<Integer, LongAdder> requests = new ConcurrentSkipListMap<>();
  private final LongAdder[] buckets = new LongAdder[BOUNDS.length + 1];
  private final LongAdder nanos = new LongAdder();
  private final LongAdder reloads = new LongAdder();

  ServiceMetrics() {
    for (int i = 0; i < buckets.length; i++) {
      buckets[i] = new LongAdder();
    }
  }

  void countRequest(int status, long durationNanos) {
    requests.computeIfAbsent(status, code -> new LongAdder()).increment();
    nanos.add(durationNanos);
    int bucket = 0;
    while (bucket < BOUNDS.length && durationNanos > BOUNDS[bucket] * 1e9) {
      bucket++;
    }
    buckets[bucket].increment();
  }

  void countReload() {
    reloads.increment();
  }

  String text(List<Instrument> instruments) {
    StringBuilder text = new StringBuilder();
    header(text, "espalier_requests_total", "counter", "Predictions asked for, by status.");
    requests.forEach(
        (status, count) ->
            line(text, "espalier_requests_total{status=\"" + status + "\"}", count.sum()));
    header(text, "espalier_request_seconds", "histogram", "Time inside the service.");
    long count = 0;
    for (int i = 0; i < buckets.length; i++) {
      count += buckets[i].sum();
      String bound = i < BOUNDS.length ? Double.toString(BOUNDS[i]) : "+Inf";
      line(text, "espalier_request_seconds_bucket{le=\"" + bound + "\"}", count);
    }
    line(text, "espalier_request_seconds_sum", nanos.sum() * 1e-9);
    line(text, "espalier_request_seconds_count", count);
    header(text, "espalier_model_reloads_total", "counter", "Times that the model was replaced.");
    line(text, "espalier_model_reloads_total", reloads.sum());
    for (Instrument instrument : instruments) {
      boolean isCounter = instrument.kind() == Instrument.Kind.COUNTER;
      String name = instrument.name().replace('.', '_') + (isCounter ? "_total" : "");
      header(text, name, isCounter ? "counter" : "gauge", instrument.description());
      line(text, name, instrument.value());
    }
    header(text, "jvm_memory_used_bytes", "gauge", "Memory in use, garbage included.");
    line(
        text,
        "jvm_memory_used_bytes{area=\"heap\"}",
        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    header(text, "jvm_gc_seconds_total", "counter", "Time spent collecting garbage.");
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      line(
          text,
          "jvm_gc_seconds_total{gc=\"" + collector.getName() + "\"}",
          collector.getCollectionTime() * 1e-3);
    }
    return text.toString();
  }

  private static void header(StringBuilder text, String name, String type, String description) {
    text.append("# HELP ").append(name).append(' ').append(description).append('\n');
    text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
  }

  private static void line(StringBuilder text, String name, double value) {
    boolean isWhole = value == Math.rint(value) && Math.abs(value) < 1e15;
    text.append(name).append(' ');
    text.append(isWhole ? Long.toString((long) value) : Double.toString(value)).append('\n');
  }
}
