// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples.service;

import dev.espalier.EspalierException;
import io.javalin.Javalin;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.concurrent.Semaphore;

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
   * @param maxConcurrent requests at once; more get 503
   * @param maxBodyBytes bytes of a request; more get 413
   * @param drainMillis how long requests are still answered, after it has been told to close, for
   *     balancers to see that /health says 503; more than two of their periods
   */
  public record Limits(int maxConcurrent, int maxBodyBytes, long drainMillis) {
    /** Checks that one request at least fits, and that the time is not negative. */
    public Limits {
      if (maxConcurrent < 1 || maxBodyBytes < 1 || drainMillis < 0) {
        throw new IllegalArgumentException(
            "expected at least 1 request at once, bodies of at least 1 byte and a farewell of at"
                + " least 0 ms, got "
                + maxConcurrent
                + ", "
                + maxBodyBytes
                + " and "
                + drainMillis);
      }
    }

    /** Returns 256 requests at once, bodies of 16 MiB, five seconds of farewell. */
    public static Limits defaults() {
      return new Limits(256, 16 << 20, 5_000);
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
  private final Javalin server;
  private volatile boolean isDraining;

  /** Makes the service; the engine stays the caller's. */
  public PredictionService(Engine engine, Limits limits) {
    this.engine = engine;
    this.limits = limits;
    places = new Semaphore(limits.maxConcurrent());
    server =
        Javalin.create(
            config -> {
              config.showJavalinBanner = false;
              config.useVirtualThreads = Runtime.version().feature() >= JAVA_WITH_VIRTUAL_THREADS;
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
    if (!places.tryAcquire()) {
      status = 503;
      result = Requests.writeError("too many requests at once");
    } else {
      try {
        String type = context.contentType();
        byte[] body = readBody(context);
        result = Requests.write(engine.answer(served -> Requests.answer(served, type, body)));
      } catch (RequestException refusal) {
        status = refusal.status();
        result = Requests.writeError(refusal.getMessage());
      } catch (RuntimeException error) {
        status = 500;
        result = Requests.writeError(String.valueOf(error.getMessage()));
      } finally {
        places.release();
      }
    }
    if (status == 503) {
      context.header("Retry-After", "1");
    }
    if (status == 413) {
      context.header("Connection", "close");
    }
    context.status(status).contentType("application/json");
    // Not as Javalin's result, which is copied through a buffer ten times as large.
    context.res().setContentLength(result.length);
    context.res().getOutputStream().write(result);
    metrics.countRequest(status, System.nanoTime() - start);
  }

  private byte[] readBody(Context context) throws IOException {
    int limit = limits.maxBodyBytes();
    long declared = context.req().getContentLengthLong(); // -1: not said
    if (declared <= limit) {
      InputStream stream = context.req().getInputStream();
      if (declared >= 0 && declared <= TRUSTED_BODY_BYTES) {
        byte[] body = new byte[(int) declared];
        int count = stream.readNBytes(body, 0, body.length);
        return count == body.length ? body : Arrays.copyOf(body, count);
      }
      byte[] body = stream.readNBytes(limit);
      if (stream.read() < 0) {
        return body;
      }
    }
    throw new RequestException(413, "expected a body of at most " + limit + " bytes");
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
    } catch (EspalierException | IllegalArgumentException | UncheckedIOException error) {
      // Damaged, too large, for another question or not there: the former model goes on.
      context.status(409).result(Requests.writeError(error.getMessage()));
    }
  }

  private void health(Context context) {
    context.status(isDraining ? 503 : 200).contentType("application/json");
    context.result(isDraining ? "{\"status\":\"shutting down\"}" : "{\"status\":\"up\"}");
  }

  private void metrics(Context context) {
    context.contentType("text/plain; version=0.0.4; charset=utf-8");
    context.result(Requests.utf8(metrics.text(engine.meters())));
  }
}
