// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Objects;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * A figure that monitoring reads now and then; from {@link Predictor#instruments()}, {@link
 * BatchingPredictor#instruments()} and {@link Espalier#instruments()}. With Micrometer, for
 * example:
 *
 * <pre>{@code
 * static void register(List<Instrument> instruments, MeterRegistry registry) {
 *   for (Instrument instrument : instruments) {
 *     switch (instrument.kind()) {
 *       case COUNTER -> FunctionCounter.builder(instrument.name(), instrument, Instrument::value)
 *           .description(instrument.description())
 *           .register(registry);
 *       case GAUGE -> Gauge.builder(instrument.name(), instrument, Instrument::value)
 *           .description(instrument.description())
 *           .strongReference(true)
 *           .register(registry);
 *     }
 *   }
 * }
 * }</pre>
 *
 * <p>A registry keeps no more than a weak reference to the object of a {@code FunctionCounter}:
 * keep the list for as long as it is to count.
 *
 * @since 0.1
 */
public final class Instrument {
  /**
   * Kinds of instruments.
   *
   * @since 0.1
   */
  public enum Kind {
    /** A count from 0 on that never falls, so that a rate can be taken of it. */
    COUNTER,
    /** A state that rises and falls. */
    GAUGE
  }

  private final String name;
  private final Kind kind;
  private final String description;
  private final DoubleSupplier reading;

  private Instrument(String name, Kind kind, String description, DoubleSupplier reading) {
    this.name = Objects.requireNonNull(name, "name");
    this.kind = kind;
    this.description = Objects.requireNonNull(description, "description");
    this.reading = Objects.requireNonNull(reading, "reading");
  }

  /**
   * Makes a counter.
   *
   * @param name words and dots, for example {@code "espalier.predictor.calls"}
   * @param description a sentence for people
   * @param reading gives the count now, from any thread; NaN once what it is about is closed
   * @return the counter
   */
  public static Instrument counter(String name, String description, DoubleSupplier reading) {
    return new Instrument(name, Kind.COUNTER, description, reading);
  }

  /**
   * Makes a gauge.
   *
   * @param name words and dots, for example {@code "espalier.native.bytes"}
   * @param description a sentence for people
   * @param reading gives the state now, from any thread; NaN once what it is about is closed
   * @return the gauge
   */
  public static Instrument gauge(String name, String description, DoubleSupplier reading) {
    return new Instrument(name, Kind.GAUGE, description, reading);
  }

  /** Makes a counter of one figure of a snapshot. */
  static <S> Instrument counter(
      String name, String description, Supplier<S> snapshot, ToDoubleFunction<S> figure) {
    return counter(name, description, reading(snapshot, figure));
  }

  /** Makes a gauge of one figure of a snapshot. */
  static <S> Instrument gauge(
      String name, String description, Supplier<S> snapshot, ToDoubleFunction<S> figure) {
    return gauge(name, description, reading(snapshot, figure));
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

  /**
   * Returns the name.
   *
   * @return words and dots, for example {@code "espalier.predictor.calls"}
   */
  public String name() {
    return name;
  }

  /**
   * Returns what may be done with the values.
   *
   * @return counter or gauge
   */
  public Kind kind() {
    return kind;
  }

  /**
   * Returns what it measures.
   *
   * @return a sentence for people
   */
  public String description() {
    return description;
  }

  /**
   * Returns the value now. From any thread; costs less than a microsecond.
   *
   * @return the value; NaN once what it is about is closed
   */
  public double value() {
    return reading.getAsDouble();
  }

  /** Returns kind and name; the value is not read. */
  @Override
  public String toString() {
    return (kind == Kind.COUNTER ? "counter " : "gauge ") + name;
  }
}
