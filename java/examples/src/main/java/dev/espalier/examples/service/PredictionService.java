// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples.service;

import dev.espalier.ModelFileException;
import io.javalin.Javalin;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * An HTTP service of one model.
 *
 * <ul>
 *   <li>{@code POST /predict}: a picture's pixels as bytes, or floats, or JSON; answers every task
 *       by the names of its labels
 *   <li>{@code POST /admin/model}: reads the model's file again; from this machine alone
 *   <li>{@code GET /health}, {@code GET /metrics} (Prometheus), {@code GET /model}
 * </ul>
 */
public final class PredictionService implements AutoCloseable {
  /**
   * Limits of the service.
   *
   * @param maxConcurrent requests at once, at least 1; more get 503
   * @param maxBodyBytes bytes of a request, at least 1; more get 413
   * @param bodyMillis how long a body may take to arrive, from 1 to a day; later ones get 408
   * @param drainMillis how long requests are still answered, after it has been told to close, for
   *     balancers to see that /health says 503; more than two of their periods, at most a day
   */
  public record Limits(int maxConcurrent, int maxBodyBytes, long bodyMillis, long drainMillis) {
    private static final long DAY_MILLIS = 86_400_000;

    /** Checks the ranges. */
    public Limits {
      requireInRange(1, Integer.MAX_VALUE, maxConcurrent, "maxConcurrent");
      requireInRange(1, Integer.MAX_VALUE, maxBodyBytes, "maxBodyBytes");
      requireInRange(1, DAY_MILLIS, bodyMillis, "bodyMillis");
      requireInRange(0, DAY_MILLIS, drainMillis, "drainMillis");
    }

    /** Returns 256 requests at once, bodies of 16 MiB in 30 seconds, five seconds of farewell. */
    public static Limits defaults() {
      return new Limits(256, 16 << 20, 30_000, 5_000);
    }

    private static void requireInRange(long least, long most, long value, String name) {
      if (value < least || value > most) {
        throw new IllegalArgumentException(
            name + ": expected " + least + " to " + most + ", got " + value);
      }
    }
  }

  private static final int JAVA_WITH_VIRTUAL_THREADS = 21;
  private static final long LONGEST_REQUEST_MILLIS = 30_000;

  /** Up to here memory is set aside for what a client only says that it will send. */
  private static final int TRUSTED_BODY_BYTES = 64 << 10;

  private final Engine engine;
  private final Limits limits;
  private final ServiceMetrics metrics = new ServiceMetrics();
  private final Semaphore places;
  private final Semaphore largeBodies;
  private final Javalin server;
  private volatile boolean isDraining;

  /** Makes the service; the engine stays the caller's. */
  public PredictionService(Engine engine, Limits limits) {
    this.engine = engine;
    this.limits = limits;
    places = new Semaphore(limits.maxConcurrent());
    largeBodies = new Semaphore(limits.maxConcurrent());
    server =
        Javalin.create(
            config -> {
              config.showJavalinBanner = false;
              config.useVirtualThreads = Runtime.version().feature() >= JAVA_WITH_VIRTUAL_THREADS;
              config.jetty.modifyHttpConfiguration(
                  http -> http.setIdleTimeout(limits.bodyMillis()));
              config.jetty.modifyServer(server -> server.setStopTimeout(LONGEST_REQUEST_MILLIS));
            });
    server.before(
        context -> {
          if (isDraining) {
            context.header("Connection", "close");
          }
        });
    server.post("/predict", this::predict);
    server.post("/admin/model", this::reload);
    server.get("/health", this::health);
    server.get("/metrics", this::metrics);
    server.get("/model", context -> context.result(engine.describe()));
  }

  /** Starts to listen. */
  public PredictionService start(String host, int port) {
    server.start(host, port);
    return this;
  }

  /** Returns the port, which matters if it was chosen by the system. */
  public int port() {
    return server.port();
  }

  /**
   * Drains, then stops. While it drains, /health alone says 503: a balancer has to see that before
   * it sends elsewhere, and until then every request is answered, with word to the client to close
   * the connection. After that no connection is accepted, and what is being answered ends.
   */
  @Override
  public void close() {
    isDraining = true;
    try {
      Thread.sleep(limits.drainMillis());
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
    }
    server.stop();
  }

  private void predict(Context context) throws IOException {
    long start = System.nanoTime();
    int status = 200;
    byte[] result;
    try {
      result = answer(context.contentType(), readBody(context));
    } catch (RequestException refusal) {
      status = refusal.status();
      result = Requests.writeError(refusal.getMessage());
    } catch (RuntimeException error) {
      status = 500;
      result = Requests.writeError(String.valueOf(error.getMessage()));
    }
    if (status == 503) {
      context.header("Retry-After", "1");
    }
    if (status == 413 || status == 408) {
      context.header("Connection", "close");
    }
    context.status(status).contentType("application/json");
    // Not as Javalin's result, which is copied through a buffer ten times as large.
    try {
      context.res().setContentLength(result.length);
      context.res().getOutputStream().write(result);
    } finally {
      metrics.countRequest(status, System.nanoTime() - start);
    }
  }

  private byte[] answer(String type, byte[] body) throws IOException {
    if (!places.tryAcquire()) {
      throw new RequestException(503, "too many requests at once");
    }
    try {
      return Requests.write(engine.answer(served -> Requests.answer(served, type, body)));
    } finally {
      places.release();
    }
  }

  /**
   * Reads the body before the request takes a place: who sends one slowly, or nothing at all, keeps
   * no place from others. Large ones have places of their own, for the sake of memory.
   */
  private byte[] readBody(Context context) {
    int limit = limits.maxBodyBytes();
    long declared = context.req().getContentLengthLong(); // -1: not said
    if (declared > limit) {
      throw tooLarge(limit);
    }
    boolean isSmall = declared >= 0 && declared <= TRUSTED_BODY_BYTES;
    if (!isSmall && !largeBodies.tryAcquire()) {
      throw new RequestException(503, "too many large requests at once");
    }
    try {
      return read(
          context.req().getInputStream(), isSmall ? (int) declared : TRUSTED_BODY_BYTES, limit);
    } catch (IOException broken) {
      throw broken.getCause() instanceof TimeoutException
          ? tooSlow()
          : new RequestException(400, "expected a whole body, got part of one");
    } finally {
      if (!isSmall) {
        largeBodies.release();
      }
    }
  }

  /** Reads until the end; has room for so many bytes at first. */
  private byte[] read(InputStream stream, int room, int limit) throws IOException {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(limits.bodyMillis());
    byte[] body = new byte[Math.min(room, limit)];
    int count = 0;
    while (true) {
      if (count == body.length) {
        int next = stream.read();
        if (next < 0) {
          return body;
        }
        if (count == limit) {
          throw tooLarge(limit);
        }
        body = Arrays.copyOf(body, (int) Math.min(limit, 2L * count + 1));
        body[count++] = (byte) next;
      }
      int got = stream.read(body, count, body.length - count);
      if (got < 0) {
        return Arrays.copyOf(body, count);
      }
      count += got;
      if (System.nanoTime() - end > 0) {
        throw tooSlow();
      }
    }
  }

  private static RequestException tooSlow() {
    return new RequestException(408, "expected a whole body in time, got part of one");
  }

  private static RequestException tooLarge(int limit) {
    return new RequestException(413, "expected a body of at most " + limit + " bytes");
  }

  private void reload(Context context) throws IOException {
    context.contentType("application/json");
    if (!InetAddress.getByName(context.req().getRemoteAddr()).isLoopbackAddress()) {
      context.status(403).result(Requests.writeError("only from this machine"));
      return;
    }
    try {
      engine.reload();
      metrics.countReload();
      context.result("{\"reloaded\":true}");
    } catch (ModelFileException | IllegalArgumentException | UncheckedIOException error) {
      // Damaged, for another question or not there: the former model goes on.
      context.status(409).result(Requests.writeError(error.getMessage()));
    } catch (RuntimeException error) {
      // It does so here, too: where there is no memory for two, for example.
      context.status(500).result(Requests.writeError(String.valueOf(error.getMessage())));
    }
  }

  private void health(Context context) {
    context.status(isDraining ? 503 : 200).contentType("application/json");
    context.result(isDraining ? "{\"status\":\"shutting down\"}" : "{\"status\":\"up\"}");
  }

  private void metrics(Context context) {
    context.contentType("text/plain; version=0.0.4; charset=utf-8");
    context.result(Requests.utf8(metrics.text(engine.instruments())));
  }
}
