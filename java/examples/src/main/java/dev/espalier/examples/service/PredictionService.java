// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples.service;

import dev.espalier.ModelFileException;
import io.javalin.Javalin;
import io.javalin.http.Context;
import jakarta.servlet.ServletInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * An HTTP service of one model.
 *
 * <ul>
 *   <li>{@code POST /predict}: a picture's pixels as bytes, or floats, or JSON; answers every task
 *       by the names of its labels
 *   <li>{@code POST /admin/model}: reads the model's file again; from this machine alone, as JSON
 *       (an empty body will do) and with {@code Authorization: Bearer TOKEN}; there only if the
 *       service was given a token
 *   <li>{@code GET /health}, {@code GET /metrics} (Prometheus), {@code GET /model}
 * </ul>
 */
public final class PredictionService implements AutoCloseable {
  /**
   * Limits of the service.
   *
   * @param maxConcurrent requests at once, at least 1; more get 503
   * @param maxBodyBytes bytes of a request, at least 1, where the model's input does not need less
   *     even as JSON; more get 413
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

    /**
     * Returns 256 requests at once, bodies of up to 16 MiB in 30 seconds, five seconds of farewell.
     */
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

  /** Larger bodies, or such of unknown size, have places of their own. */
  private static final int TRUSTED_BODY_BYTES = 64 << 10;

  private final Engine engine;
  private final Limits limits;
  private final int bodyLimit;
  private final ServiceMetrics metrics = new ServiceMetrics();
  private final Semaphore places;
  private final Semaphore largeBodies;
  private final Javalin server;

  /** Ends what takes too long. It runs nothing that waits. */
  private final ScheduledThreadPoolExecutor timer =
      new ScheduledThreadPoolExecutor(1, work -> daemon(work, "body-timer"));

  /** Loads models, one after the other. Nobody waits for it when the service closes. */
  private final ExecutorService reloading =
      Executors.newSingleThreadExecutor(work -> daemon(work, "reloading"));

  private final CompletableFuture<Void> isStopping = new CompletableFuture<>();
  private volatile boolean isDraining;

  /** Makes the service; the engine stays the caller's. Its model cannot be replaced by request. */
  public PredictionService(Engine engine, Limits limits) {
    this(engine, limits, null);
  }

  /**
   * Makes the service; the engine stays the caller's.
   *
   * @param adminToken what a request to replace the model has to know, at least 16 characters; null
   *     if nobody may
   * @throws IllegalArgumentException if the token is too short
   */
  public PredictionService(Engine engine, Limits limits, String adminToken) {
    this.engine = engine;
    this.limits = limits;
    AdminGate gate = adminToken == null ? null : new AdminGate(adminToken);
    // The size stays when the model is replaced.
    long mostBytes = Requests.mostBytes(engine.answer(Engine.Model::inputSize));
    bodyLimit = (int) Math.min(limits.maxBodyBytes(), mostBytes);
    places = new Semaphore(limits.maxConcurrent());
    largeBodies = new Semaphore(limits.maxConcurrent());
    timer.setRemoveOnCancelPolicy(true);
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
    if (gate != null) {
      server.post("/admin/model", context -> reload(gate, context));
    }
    server.get("/health", this::health);
    server.get("/metrics", this::metrics);
    server.get("/model", context -> context.result(engine.describe()));
  }

  private static Thread daemon(Runnable work, String name) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    return thread;
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
   * the connection. After that no connection is accepted, and what is being answered ends. A model
   * that is being loaded is not waited for: who asked for it gets 503.
   */
  @Override
  public void close() {
    isDraining = true;
    try {
      Thread.sleep(limits.drainMillis());
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
    }
    isStopping.complete(null);
    reloading.shutdownNow();
    server.stop();
    timer.shutdownNow();
  }

  private void predict(Context context) throws IOException {
    long start = System.nanoTime();
    long declared = context.req().getContentLengthLong(); // -1: not said
    if (declared > bodyLimit) {
      respond(context, start, null, BodyReader.tooLarge(bodyLimit));
      return;
    }
    boolean isSmall = declared >= 0 && declared <= TRUSTED_BODY_BYTES;
    ServletInputStream stream = context.req().getInputStream();
    if (isSmall && stream.available() >= declared) { // as nearly always: nobody has to wait
      respond(context, start, stream.readNBytes((int) declared), null);
    } else if (isSmall || largeBodies.tryAcquire()) {
      context.future(() -> read(context, start, stream, isSmall));
    } else {
      respond(context, start, null, new RequestException(503, "too many large requests at once"));
    }
  }

  /**
   * Reads the body before the request takes a place: who sends one slowly, or nothing at all, keeps
   * no place from others. Large ones have places of their own, for the sake of memory.
   */
  private CompletableFuture<?> read(
      Context context, long start, ServletInputStream stream, boolean isSmall) {
    CompletableFuture<byte[]> body = BodyReader.read(stream, bodyLimit);
    ScheduledFuture<?> end =
        timer.schedule(
            () -> body.completeExceptionally(BodyReader.tooSlow()),
            limits.bodyMillis(),
            TimeUnit.MILLISECONDS);
    return body.handle(
        (bytes, refusal) -> {
          end.cancel(false);
          if (!isSmall) {
            largeBodies.release();
          }
          try {
            respond(context, start, bytes, refusal);
          } catch (IOException clientHasGone) {
            return null; // and nobody is left to be told
          }
          return null;
        });
  }

  /** Answers a body, or says why there is none. */
  private void respond(Context context, long start, byte[] body, Throwable refusal)
      throws IOException {
    int status = 200;
    byte[] result;
    try {
      if (refusal instanceof RuntimeException known) {
        throw known;
      }
      result = answer(context.contentType(), body);
    } catch (RequestException known) {
      status = known.status();
      result = Requests.writeError(known.getMessage());
    } catch (RuntimeException error) {
      status = 500;
      result = Requests.writeError(String.valueOf(error.getMessage()));
    }
    if (status == 503) {
      context.header("Retry-After", "1");
    }
    if (body == null) { // what was not read stands in the way of a next request
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

  private void reload(AdminGate gate, Context context) throws IOException {
    context.contentType("application/json");
    try {
      gate.check(context.req());
    } catch (RequestException refusal) {
      if (refusal.status() == 401) {
        context.header("WWW-Authenticate", "Bearer");
      }
      context.status(refusal.status()).result(Requests.writeError(refusal.getMessage()));
      return;
    }
    CompletableFuture<Void> loading =
        CompletableFuture.runAsync(
            () -> {
              try {
                engine.reload();
              } catch (IOException error) {
                throw new UncheckedIOException(error);
              }
            },
            reloading);
    context.future(
        () ->
            CompletableFuture.anyOf(loading, isStopping)
                .handle(
                    (nothing, error) -> {
                      reloaded(context, loading.isDone(), error);
                      return null;
                    }));
  }

  private void reloaded(Context context, boolean isOver, Throwable error) {
    Throwable cause = error instanceof CompletionException ? error.getCause() : error;
    if (!isOver) {
      context.status(503).result(Requests.writeError("shutting down; the former model goes on"));
    } else if (cause == null) {
      metrics.countReload();
      context.result("{\"reloaded\":true}");
    } else {
      // Damaged, for another question, not there: the former model goes on. It does so, too, where
      // there is no memory for two, for example.
      boolean isFile =
          cause instanceof ModelFileException
              || cause instanceof IllegalArgumentException
              || cause instanceof UncheckedIOException;
      String message = String.valueOf(cause.getMessage());
      context.status(isFile ? 409 : 500).result(Requests.writeError(message));
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
