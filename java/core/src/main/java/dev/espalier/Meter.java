// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Objects;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * A figure that monitoring reads now and then; from {@link Predictor#meters()}, {@link
 * BatchingPredictor#meters()} and {@link Espalier#meters()}. With Micrometer, for example:
 *
 * <pre>{@code
 * for (Meter meter : predictor.meters()) {
 *   switch (meter.kind()) {
 *     case COUNTER -> FunctionCounter.builder(meter.name(), predictor, p -> meter.value())
 *         .description(meter.description()).register(registry);
 *     case GAUGE -> Gauge.builder(meter.name(), meter::value)
 *         .description(meter.description()).register(registry);
 *   }
 * }
 * }</pre>
 *
 * @param name words and dots, for example {@code "espalier.predictor.calls"}
 * @param kind what may be done with its values
 * @param description a sentence for people
 * @param reading gives the value now; NaN once what it is about is closed
 */
public record Meter(String name, Kind kind, String description, DoubleSupplier reading) {
  /** Kinds of meters. */
  public enum Kind {
    /** A count from 0 on that never falls, so that a rate can be taken of it. */
    COUNTER,
    /** A state that rises and falls. */
    GAUGE
  }

  /**
   * Checks for nulls.
   *
   * @param name as for the record
   * @param kind as for the record
   * @param description as for the record
   * @param reading as for the record
   * @throws NullPointerException if one is null
   */
  public Meter {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(description, "description");
    Objects.requireNonNull(reading, "reading");
  }

  /**
   * Returns the value now. From any thread; costs less than a microsecond.
   *
   * @return the value; NaN once what it is about is closed
   */
  public double value() {
    return reading.getAsDouble();
  }

  /** Makes a counter of one figure of a snapshot. */
  static <S> Meter counter(
      String name, String description, Supplier<S> snapshot, ToDoubleFunction<S> figure) {
    return new Meter(name, Kind.COUNTER, description, reading(snapshot, figure));
  }

  /** Makes a gauge of one figure of a snapshot. */
  static <S> Meter gauge(
      String name, String description, Supplier<S> snapshot, ToDoubleFunction<S> figure) {
    return new Meter(name, Kind.GAUGE, description, reading(snapshot, figure));
  }

  private static <S> DoubleSupplier reading(Supplier<S> snapshot, ToDoubleFunction<S> figure) {
    return () -> {
      try {
        return figure.applyAsDouble(snapshot.get());
      } catch (IllegalStateException closed) {
        return Double.NaN;
      }
    };
  }
}
