// SPDX-License-Identifier: Apache-2.0
package dev.espalier.micrometer;

import dev.espalier.BatchingPredictor;
import dev.espalier.BatchingStatistics;
import dev.espalier.Espalier;
import dev.espalier.Instrument;
import dev.espalier.Predictor;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What predictors and the library count, as meters: calls, failures, queue, batches, native memory.
 *
 * <pre>{@code
 * EspalierMetrics.ofLibrary().bindTo(registry);
 * EspalierMetrics metrics = EspalierMetrics.of(predictor, "model", "garments");
 * metrics.bindTo(registry);
 * }</pre>
 *
 * <p>Meters have the names of the {@link Instrument}s, {@code espalier.predictor.calls} for
 * example. They read what is counted anyway, whenever the registry reads them: a prediction costs
 * nothing more. Registries keep a meter, and with it the predictor, until it is removed: {@link
 * #close} does so. Of a predictor that is closed, counters keep the value that was read last,
 * gauges are NaN.
 *
 * <p>Registries have one meter of a name and its tags: two predictors in one registry need tags
 * that tell them apart, or the second one is not seen. Any number of threads may use this.
 *
 * @since 0.1
 */
public final class EspalierMetrics implements MeterBinder, AutoCloseable {
  private final List<Instrument> instruments;
  private final Tags tags;
  private final Map<MeterRegistry, List<Meter>> bound = new HashMap<>(); // guarded by itself

  private EspalierMetrics(List<Instrument> instruments, Tags tags) {
    this.instruments = List.copyOf(instruments);
    this.tags = tags;
  }

  /**
   * Returns meters of a predictor: {@code espalier.predictor.calls}, {@code failed.calls}, {@code
   * workspaces}, {@code temporary.workspaces} and {@code native.bytes}.
   *
   * @param predictor what is looked at; stays the caller's to close
   * @param tags keys and values of all meters, in turn
   * @return what binds them
   * @throws IllegalArgumentException if a key has no value
   */
  public static EspalierMetrics of(Predictor predictor, String... tags) {
    return of(Objects.requireNonNull(predictor, "predictor").instruments(), tags);
  }

  /**
   * Returns meters of a predictor that joins requests: {@code espalier.batching.accepted}, {@code
   * shed}, {@code answered}, {@code failed}, {@code given.up}, {@code batches}, {@code waiting}
   * (the queue: examples that wait now) and {@code mean.batch} (requests for each batch since it
   * was made, NaN before the first one; of a span of time it is the growth of answered and failed
   * over that of batches).
   *
   * @param predictor what is looked at; stays the caller's to close
   * @param tags keys and values of all meters, in turn
   * @return what binds them
   * @throws IllegalArgumentException if a key has no value
   */
  public static EspalierMetrics of(BatchingPredictor predictor, String... tags) {
    List<Instrument> instruments =
        new ArrayList<>(Objects.requireNonNull(predictor, "predictor").instruments());
    instruments.add(
        Instrument.gauge(
            "espalier.batching.mean.batch",
            "Requests for each batch since the start.",
            () -> meanBatch(predictor.statistics())));
    return of(instruments, tags);
  }

  private static double meanBatch(BatchingStatistics statistics) {
    return (statistics.answered() + statistics.failed()) / (double) statistics.batches();
  }

  /**
   * Returns meters of the whole library: {@code espalier.native.bytes} and the other figures of
   * {@link Espalier#instruments()}.
   *
   * @param tags keys and values of all meters, in turn
   * @return what binds them
   * @throws IllegalArgumentException if a key has no value
   */
  public static EspalierMetrics ofLibrary(String... tags) {
    return of(Espalier.instruments(), tags);
  }

  /**
   * Returns meters of any instruments.
   *
   * @param instruments no name twice
   * @param tags keys and values of all meters, in turn
   * @return what binds them
   * @throws IllegalArgumentException if a key has no value
   */
  public static EspalierMetrics of(List<Instrument> instruments, String... tags) {
    return new EspalierMetrics(
        Objects.requireNonNull(instruments, "instruments"),
        Tags.of(Objects.requireNonNull(tags, "tags")));
  }

  /**
   * Registers the meters; those that the registry has already stay as they are.
   *
   * @param registry gets the meters
   */
  @Override
  public void bindTo(MeterRegistry registry) {
    Objects.requireNonNull(registry, "registry");
    synchronized (bound) {
      if (bound.containsKey(registry)) {
        return;
      }
      List<Meter> meters = new ArrayList<>();
      bound.put(registry, meters);
      for (Instrument instrument : instruments) {
        Collection<Meter> former = registry.find(instrument.name()).meters();
        Meter meter = register(instrument, registry);
        if (!former.contains(meter)) {
          meters.add(meter);
        }
      }
    }
  }

  private Meter register(Instrument instrument, MeterRegistry registry) {
    return switch (instrument.kind()) {
      // Registries hold the object of such a counter weakly: one that lives as long as they do.
      case COUNTER ->
          FunctionCounter.builder(instrument.name(), registry, new LastCount(instrument))
              .description(instrument.description())
              .tags(tags)
              .register(registry);
      case GAUGE ->
          Gauge.builder(instrument.name(), instrument, Instrument::value)
              .description(instrument.description())
              .tags(tags)
              .strongReference(true)
              .register(registry);
    };
  }

  /** Removes the meters from all registries that they were bound to. */
  @Override
  public void close() {
    synchronized (bound) {
      bound.forEach((registry, meters) -> meters.forEach(registry::remove));
      bound.clear();
    }
  }

  /** Returns names and tags; no value is read. */
  @Override
  public String toString() {
    return "EspalierMetrics" + instruments.stream().map(Instrument::name).toList() + tags;
  }
}
