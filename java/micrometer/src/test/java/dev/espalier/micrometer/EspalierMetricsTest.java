// SPDX-License-Identifier: Apache-2.0
package dev.espalier.micrometer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.BatchingOptions;
import dev.espalier.BatchingPredictor;
import dev.espalier.Espalier;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class EspalierMetricsTest {
  private final MeterRegistry registry = new SimpleMeterRegistry();

  private static Predictor predictor() {
    try (Network network = Network.builder(Shape.vector(4)).head("a", Head.classes(3)).build(1)) {
      return network.predictor();
    }
  }

  private double counter(String name, String... tags) {
    return registry.get(name).tags(tags).functionCounter().count();
  }

  private double gauge(String name, String... tags) {
    return registry.get(name).tags(tags).gauge().value();
  }

  @Test
  void aRegistryReadsWhatAPredictorCounts() {
    try (Predictor predictor = predictor()) {
      EspalierMetrics.of(predictor).bindTo(registry);
      EspalierMetrics.ofLibrary().bindTo(registry);
      predictor.predict(new float[4]);
      predictor.predict(new float[8]);
      System.gc(); // nothing that is read is held weakly alone
      assertEquals(2, counter("espalier.predictor.calls"));
      assertEquals(0, counter("espalier.predictor.failed.calls"));
      assertEquals(predictor.nativeBytes(), gauge("espalier.predictor.native.bytes"));
      assertEquals(Espalier.liveHandles(), gauge("espalier.live.handles"));
      assertEquals(
          predictor.instruments().size() + Espalier.instruments().size(),
          registry.getMeters().size());
    }
  }

  @Test
  void aRegistryReadsTheQueueAndTheBatches() {
    try (Predictor predictor = predictor();
        BatchingPredictor batching = BatchingPredictor.of(predictor, BatchingOptions.defaults())) {
      EspalierMetrics.of(batching, "model", "a").bindTo(registry);
      assertTrue(Double.isNaN(gauge("espalier.batching.mean.batch", "model", "a")));
      Stream.generate(() -> batching.submit(new float[4]))
          .limit(50)
          .toList()
          .forEach(answer -> assertEquals(3, answer.join().length));
      assertEquals(50, counter("espalier.batching.accepted"));
      assertEquals(50, counter("espalier.batching.answered"));
      assertEquals(0, gauge("espalier.batching.waiting"));
      assertEquals(
          50 / counter("espalier.batching.batches"), gauge("espalier.batching.mean.batch"));
    }
  }

  @Test
  void tagsTellPredictorsApart() {
    try (Predictor one = predictor();
        Predictor other = predictor()) {
      EspalierMetrics.of(one, "model", "one").bindTo(registry);
      EspalierMetrics.of(other, "model", "other").bindTo(registry);
      one.predict(new float[4]);
      assertEquals(1, counter("espalier.predictor.calls", "model", "one"));
      assertEquals(0, counter("espalier.predictor.calls", "model", "other"));
    }
    assertThrows(IllegalArgumentException.class, () -> EspalierMetrics.ofLibrary("key alone"));
  }

  @Test
  void whatIsClosedKeepsItsCountsUntilItIsRemoved() {
    EspalierMetrics metrics;
    EspalierMetrics again;
    try (Predictor predictor = predictor()) {
      metrics = EspalierMetrics.of(predictor);
      again = EspalierMetrics.of(predictor);
      metrics.bindTo(registry);
      metrics.bindTo(registry);
      again.bindTo(registry); // its meters are there already, and not its own to remove
      predictor.predict(new float[4]);
      assertEquals(1, counter("espalier.predictor.calls"));
    }
    assertEquals(1, counter("espalier.predictor.calls"));
    assertTrue(Double.isNaN(gauge("espalier.predictor.native.bytes")));
    again.close();
    assertEquals(5, registry.getMeters().size());
    metrics.close();
    metrics.close();
    assertEquals(List.of(), registry.getMeters());
  }

  @Test
  void prometheusHasTheNames() {
    PrometheusMeterRegistry prometheus = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    try (Predictor predictor = predictor();
        BatchingPredictor batching = BatchingPredictor.of(predictor, BatchingOptions.defaults())) {
      EspalierMetrics.ofLibrary().bindTo(prometheus);
      EspalierMetrics.of(predictor, "model", "a").bindTo(prometheus);
      EspalierMetrics.of(batching, "model", "a").bindTo(prometheus);
      PredictionTimer timer = PredictionTimer.of(prometheus, "model", "a");
      timer.record(2, () -> predictor.predict(new float[8]));
      String text = prometheus.scrape();
      for (String line :
          List.of(
              "espalier_predictor_calls_total{model=\"a\"} 1.0",
              "espalier_batching_accepted_total{model=\"a\"} 0.0",
              "espalier_batching_waiting{model=\"a\"} 0.0",
              "# TYPE espalier_native_bytes gauge",
              "# TYPE espalier_prediction_seconds histogram",
              "espalier_prediction_seconds_bucket{model=\"a\",outcome=\"success\",le=\"+Inf\"} 1",
              "espalier_prediction_examples_sum{model=\"a\"} 2.0")) {
        assertTrue(text.lines().anyMatch(line::equals), line + " in\n" + text);
      }
    }
    String after = prometheus.scrape();
    assertTrue(after.contains("espalier_predictor_calls_total{model=\"a\"} 1.0"), after);
    assertTrue(after.contains("espalier_predictor_native_bytes{model=\"a\"} NaN"), after);
  }
}
