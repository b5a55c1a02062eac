// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples.service;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;
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

  String text(Map<String, Double> figures) {
    StringBuilder text = new StringBuilder();
    text.append("# HELP espalier_requests_total Predictions asked for, by the answer's status.\n");
    text.append("# TYPE espalier_requests_total counter\n");
    requests.forEach(
        (status, count) ->
            line(text, "espalier_requests_total{status=\"" + status + "\"}", count.sum()));
    text.append("# HELP espalier_request_seconds Time inside the service.\n");
    text.append("# TYPE espalier_request_seconds histogram\n");
    long count = 0;
    for (int i = 0; i < buckets.length; i++) {
      count += buckets[i].sum();
      String bound = i < BOUNDS.length ? Double.toString(BOUNDS[i]) : "+Inf";
      line(text, "espalier_request_seconds_bucket{le=\"" + bound + "\"}", count);
    }
    line(text, "espalier_request_seconds_sum", nanos.sum() * 1e-9);
    line(text, "espalier_request_seconds_count", count);
    text.append("# TYPE espalier_model_reloads_total counter\n");
    line(text, "espalier_model_reloads_total", reloads.sum());
    figures.forEach(
        (name, value) -> {
          text.append("# TYPE ").append(name).append(" gauge\n");
          line(text, name, value);
        });
    text.append("# TYPE jvm_gc_seconds_total counter\n");
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      line(
          text,
          "jvm_gc_seconds_total{gc=\"" + collector.getName() + "\"}",
          collector.getCollectionTime() * 1e-3);
    }
    return text.toString();
  }

  private static void line(StringBuilder text, String name, double value) {
    String number =
        value == Math.rint(value) && Math.abs(value) < 1e15
            ? Long.toString((long) value)
            : String.format(Locale.ROOT, "%.9g", value);
    text.append(name).append(' ').append(number).append('\n');
  }
}
