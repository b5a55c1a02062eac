// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import dev.espalier.CheckReturnValue;
import dev.espalier.Precision;
import dev.espalier.PredictorOptions;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * Where a {@link PredictionService} listens, and its limits. Immutable: each method returns changed
 * options.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class ServiceOptions {
  private static final Duration DAY = Duration.ofDays(1);
  private static final ServiceOptions DEFAULTS =
      new ServiceOptions(
          "127.0.0.1",
          8080,
          256,
          16 << 20,
          Duration.ofSeconds(30),
          Duration.ofSeconds(5),
          PredictorOptions.defaults().maxBatchSize(1).threads(1),
          null);

  private final String host;
  private final int port;
  private final int maxConcurrent;
  private final int maxBodyBytes;
  private final Duration bodyTimeout;
  private final Duration drain;
  private final PredictorOptions predictor;
  private final String adminToken;

  private ServiceOptions(
      String host,
      int port,
      int maxConcurrent,
      int maxBodyBytes,
      Duration bodyTimeout,
      Duration drain,
      PredictorOptions predictor,
      String adminToken) {
    this.host = host;
    this.port = port;
    this.maxConcurrent = maxConcurrent;
    this.maxBodyBytes = maxBodyBytes;
    this.bodyTimeout = bodyTimeout;
    this.drain = drain;
    this.predictor = predictor;
    this.adminToken = adminToken;
  }

  /**
   * Returns the defaults: port 8080 of this machine alone, 256 requests at once, bodies of up to 16
   * MiB in 30 seconds, five seconds of farewell, and nobody may replace the model.
   *
   * @return the options
   */
  public static ServiceOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Sets the address to listen on.
   *
   * @param host a name or number of this machine; {@code "0.0.0.0"} for all that it has
   * @return changed options
   */
  public ServiceOptions host(String host) {
    Objects.requireNonNull(host, "host");
    return new ServiceOptions(
        host, port, maxConcurrent, maxBodyBytes, bodyTimeout, drain, predictor, adminToken);
  }

  /**
   * Sets the port to listen on.
   *
   * @param port from 0 to 65535; 0 for any that is free, which {@link PredictionService#port} tells
   * @return changed options
   * @throws IllegalArgumentException if it is out of range
   */
  public ServiceOptions port(int port) {
    requireInRange("port", 0, 65_535, port);
    return new ServiceOptions(
        host, port, maxConcurrent, maxBodyBytes, bodyTimeout, drain, predictor, adminToken);
  }

  /**
   * Limits the requests at once; more get 503.
   *
   * @param count at least 1
   * @return changed options
   * @throws IllegalArgumentException if it is below 1
   */
  public ServiceOptions maxConcurrent(int count) {
    requireInRange("maxConcurrent", 1, Integer.MAX_VALUE, count);
    return new ServiceOptions(
        host, port, count, maxBodyBytes, bodyTimeout, drain, predictor, adminToken);
  }

  /**
   * Limits the bytes of a request, where the model's input does not need less even as JSON; more
   * get 413.
   *
   * @param count at least 1
   * @return changed options
   * @throws IllegalArgumentException if it is below 1
   */
  public ServiceOptions maxBodyBytes(int count) {
    requireInRange("maxBodyBytes", 1, Integer.MAX_VALUE, count);
    return new ServiceOptions(
        host, port, maxConcurrent, count, bodyTimeout, drain, predictor, adminToken);
  }

  /**
   * Limits how long a body may take to arrive; later ones get 408.
   *
   * @param timeout from a millisecond to a day
   * @return changed options
   * @throws IllegalArgumentException if it is out of range
   */
  public ServiceOptions bodyTimeout(Duration timeout) {
    requireInRange("bodyTimeout", Duration.ofMillis(1), timeout);
    return new ServiceOptions(
        host, port, maxConcurrent, maxBodyBytes, timeout, drain, predictor, adminToken);
  }

  /**
   * Sets how long requests are still answered, after the service has been told to close, for
   * balancers to see that {@code /health} says 503.
   *
   * @param duration more than two of their periods; from zero to a day
   * @return changed options
   * @throws IllegalArgumentException if it is out of range
   */
  public ServiceOptions drain(Duration duration) {
    requireInRange("drain", Duration.ZERO, duration);
    return new ServiceOptions(
        host, port, maxConcurrent, maxBodyBytes, bodyTimeout, duration, predictor, adminToken);
  }

  /**
   * Sets how the predictor of a model's file keeps weights and computes with them, that of a file
   * that replaces it, too. {@link dev.espalier.PrecisionChoice} measures which is fastest on a CPU
   * without losing in what counts.
   *
   * @param precision {@link Precision#FP32} unless set; an engine of the caller's own has its own
   * @return changed options
   */
  public ServiceOptions precision(Precision precision) {
    return predictor(predictor.precision(precision));
  }

  /**
   * Keeps the weights of some layers in float whatever the precision, as {@link
   * PredictorOptions#keepFloat(String...)} does and {@link dev.espalier.PrecisionChoice} may find
   * best. A model that has no such layers is refused, also one that is to replace another.
   *
   * @param layers names of layers, at least one
   * @return changed options
   * @throws IllegalArgumentException if there is no name, or one is empty or given twice
   */
  public ServiceOptions keepFloat(String... layers) {
    return predictor(predictor.keepFloat(layers));
  }

  private ServiceOptions predictor(PredictorOptions predictor) {
    return new ServiceOptions(
        host, port, maxConcurrent, maxBodyBytes, bodyTimeout, drain, predictor, adminToken);
  }

  /**
   * Lets those replace the model who know the token, from this machine.
   *
   * @param token at least 16 characters
   * @return changed options
   * @throws IllegalArgumentException if it is shorter
   */
  public ServiceOptions adminToken(String token) {
    AdminGate.requireLong(Objects.requireNonNull(token, "token"));
    return new ServiceOptions(
        host, port, maxConcurrent, maxBodyBytes, bodyTimeout, drain, predictor, token);
  }

  private static void requireInRange(String name, int least, int most, int value) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          name + ": expected " + least + " to " + most + ", got " + value);
    }
  }

  private static void requireInRange(String name, Duration least, Duration value) {
    if (value.compareTo(least) < 0 || value.compareTo(DAY) > 0) {
      throw new IllegalArgumentException(
          name + ": expected " + least.toMillis() + " ms to a day, got " + value);
    }
  }

  String host() {
    return host;
  }

  int port() {
    return port;
  }

  int maxConcurrent() {
    return maxConcurrent;
  }

  int maxBodyBytes() {
    return maxBodyBytes;
  }

  Duration bodyTimeout() {
    return bodyTimeout;
  }

  Duration drain() {
    return drain;
  }

  /** Returns how a predictor is made: a request has a thread of its own already. */
  PredictorOptions predictor() {
    return predictor;
  }

  Optional<String> adminToken() {
    return Optional.ofNullable(adminToken);
  }

  /** Returns the settings; of a token, only that there is one. */
  @Override
  public String toString() {
    return "ServiceOptions["
        + host
        + ":"
        + port
        + ", maxConcurrent "
        + maxConcurrent
        + ", maxBodyBytes "
        + maxBodyBytes
        + ", bodyTimeout "
        + bodyTimeout
        + ", drain "
        + drain
        + ", precision "
        + predictor.precision()
        + (predictor.keepFloat().isEmpty() ? "" : ", in float " + predictor.keepFloat())
        + (adminToken == null ? "" : ", with a token")
        + "]";
  }
}
