// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import dev.espalier.ModelFileException;
import io.javalin.Javalin;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import jakarta.servlet.ServletInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * An HTTP service of one model.
 *
 * <ul>
 *   <li>{@code GET /}: a page to try the model with, in a browser
 *   <li>{@code POST /predict}: a picture's pixels as bytes, or floats, or JSON; where the model
 *       file says how it reads them ({@link InputForm}), the file of a picture, a text or a row,
 *       too. Answers every task by the names of its labels
 *   <li>{@code POST /explain?task=…&label=…}: the same bodies; by how much that answer falls where
 *       a part of the picture, the text or the row is covered
 *   <li>{@code POST /admin/model}: reads the model's file again; from this machine alone, as JSON
 *       (an empty body will do) and with {@code Authorization: Bearer TOKEN}; there only if the
 *       service was given a token
 *   <li>{@code GET /health}, {@code GET /metrics} (Prometheus), {@code GET /model}
 * </ul>
 *
 * <pre>{@code
 * try (PredictionService service = PredictionService.start(model, ServiceOptions.defaults())) {
 *   System.out.println(service.address());
 *   service.awaitShutdown();
 * }
 * }</pre>
 *
 * <p>Any number of threads may use one.
 *
 * @since 0.1
 */
public final class PredictionService implements AutoCloseable {
  private static final int JAVA_WITH_VIRTUAL_THREADS = 21;
  private static final long LONGEST_REQUEST_MILLIS = 30_000;
  private static final long MOST_EXPLAINING_NANOS = TimeUnit.SECONDS.toNanos(20);

  /** Larger bodies, or such of unknown size, have places of their own. */
  private static final int TRUSTED_BODY_BYTES = 64 << 10;

  private final Engine engine;
  private final boolean isOwner;
  private final ServiceOptions options;
  private final int bodyLimit;
  private final ServiceMetrics metrics;
  private final Semaphore places;
  private final Semaphore largeBodies;
  private final Semaphore explaining =
      new Semaphore(Math.max(1, Runtime.getRuntime().availableProcessors() / 2));
  private final Javalin server;

  /** Ends what takes too long. It runs nothing that waits. */
  private final ScheduledThreadPoolExecutor timer =
      new ScheduledThreadPoolExecutor(1, work -> daemon(work, "body-timer"));

  /** Loads models, one after the other. Nobody waits for it when the service closes. */
  private final ExecutorService reloading =
      Executors.newSingleThreadExecutor(work -> daemon(work, "reloading"));

  private final CompletableFuture<Void> isStopping = new CompletableFuture<>();
  private final CountDownLatch isClosed = new CountDownLatch(1);
  private volatile boolean isDraining;
  private volatile int port;

  private PredictionService(Engine engine, boolean isOwner, ServiceOptions options) {
    this.engine = engine;
    this.isOwner = isOwner;
    this.options = options;
    // Size and form stay when the model is replaced.
    long mostBytes = engine.answer(model -> Questions.mostBytes(model.form(), model.inputSize()));
    bodyLimit = (int) Math.min(options.maxBodyBytes(), mostBytes);
    metrics = new ServiceMetrics(engine.instruments());
    places = new Semaphore(options.maxConcurrent());
    largeBodies = new Semaphore(options.maxConcurrent());
    timer.setRemoveOnCancelPolicy(true);
    Refusals refusals = new Refusals(paths(options));
    server =
        Javalin.create(
            config -> {
              config.showJavalinBanner = false;
              refusals.install(config);
              config.useVirtualThreads = Runtime.version().feature() >= JAVA_WITH_VIRTUAL_THREADS;
              config.jetty.modifyHttpConfiguration(
                  http -> http.setIdleTimeout(options.bodyTimeout().toMillis()));
              config.jetty.modifyServer(server -> server.setStopTimeout(LONGEST_REQUEST_MILLIS));
              config.jetty.addConnector(
                  (server, http) -> {
                    DrainingConnector connector = new DrainingConnector(server, http);
                    connector.setHost(options.host());
                    connector.setPort(options.port());
                    return connector;
                  });
            });
    server.exception(HttpResponseException.class, refusals::refuse);
    server.before(
        context -> {
          if (isDraining) {
            context.header("Connection", "close");
          }
        });
    server.get("/", context -> Page.write(context, engine));
    server.post("/predict", context -> ask(context, false));
    server.post("/explain", context -> ask(context, true));
    options
        .adminToken()
        .map(AdminGate::new)
        .ifPresent(gate -> server.post("/admin/model", context -> reload(gate, context)));
    server.get("/health", this::health);
    server.get("/metrics", this::metrics);
    server.get("/model", context -> context.result(engine.describe()));
  }

  private static String paths(ServiceOptions options) {
    return "GET /, POST /predict, POST /explain, GET /health, GET /metrics, GET /model"
        + (options.adminToken().isPresent() ? ", POST /admin/model" : "");
  }

  private static Thread daemon(Runnable work, String name) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    return thread;
  }

  /**
   * Serves a model file.
   *
   * @param model a file that {@link dev.espalier.Network#save} wrote
   * @param options where to listen, and limits
   * @return the service, which listens; to be closed by the caller
   * @throws IOException if there is no such file that can be read, or the address is not to be had
   * @throws ModelFileException if it is no model, or a damaged one
   * @throws IllegalArgumentException if what it says of its inputs is damaged
   */
  public static PredictionService start(Path model, ServiceOptions options) throws IOException {
    if (!Files.isReadable(model) || Files.isDirectory(model)) {
      throw new IOException("model: expected a file that can be read, got " + model);
    }
    requireFree(options.host(), options.port());
    return start(new EspalierEngine(model, options.predictor()), true, options);
  }

  /**
   * Serves what an engine answers.
   *
   * @param engine what answers; stays the caller's to close
   * @param options where to listen, and limits
   * @return the service, which listens; to be closed by the caller
   * @throws IOException if the address is not to be had
   */
  public static PredictionService start(Engine engine, ServiceOptions options) throws IOException {
    Objects.requireNonNull(engine, "engine");
    requireFree(options.host(), options.port());
    return start(engine, false, options);
  }

  private static PredictionService start(Engine engine, boolean isOwner, ServiceOptions options) {
    PredictionService service = null;
    try {
      service = new PredictionService(engine, isOwner, options);
      service.server.start();
      service.port = service.server.port();
      return service;
    } catch (RuntimeException | Error error) {
      if (service != null) {
        service.metrics.close();
      }
      if (isOwner) {
        engine.close();
      }
      throw error;
    }
  }

  /**
   * Tries the address before a model is loaded for it, and before the server tells of it at length.
   */
  private static void requireFree(String host, int port) throws IOException {
    InetSocketAddress address = new InetSocketAddress(host, port);
    if (address.isUnresolved()) {
      throw new IOException("host: expected an address of this machine, got " + host);
    }
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true); // as the server does
      socket.bind(address);
    } catch (IOException error) {
      throw new IOException(
          "cannot listen on " + host + " port " + port + ": " + error.getMessage(), error);
    }
  }

  /**
   * Returns the port, which matters if it was chosen by the system.
   *
   * @return from 1 to 65535
   */
  public int port() {
    return port;
  }

  /**
   * Returns where a browser on this machine finds the service.
   *
   * @return for example {@code http://127.0.0.1:8080}
   */
  public URI address() {
    boolean isAll = new InetSocketAddress(options.host(), 0).getAddress().isAnyLocalAddress();
    String host = isAll ? "127.0.0.1" : options.host();
    return URI.create("http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + port());
  }

  /**
   * Serves until the process is told to end (SIGTERM, Ctrl-C), then closes the service. The process
   * ends with the code that JVMs have for it: 143 after SIGTERM.
   *
   * @throws InterruptedException if the thread that waits is interrupted; the service goes on
   */
  public void awaitShutdown() throws InterruptedException {
    Runtime.getRuntime().addShutdownHook(new Thread(this::close, "shutdown"));
    isClosed.await();
  }

  /** Returns where it listens, and that it is closed if it is. */
  @Override
  public String toString() {
    return "PredictionService[" + address() + (isClosed.getCount() == 0 ? ", closed]" : "]");
  }

  /**
   * Drains, then stops. While it drains, /health alone says 503: a balancer has to see that before
   * it sends elsewhere, and until then every request is answered, with word to the client to close
   * the connection. After that connections are refused, what was asked before is answered, within
   * 30 seconds, and what is asked on connections there are gets 503. A model that is being loaded
   * is not waited for: who asked for it gets 503. Further calls only wait.
   */
  @Override
  public synchronized void close() {
    if (isClosed.getCount() == 0) {
      return;
    }
    isDraining = true;
    try {
      Thread.sleep(options.drain().toMillis());
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
    }
    isStopping.complete(null);
    reloading.shutdownNow();
    try {
      server.stop();
    } finally {
      timer.shutdownNow();
      metrics.close();
      if (isOwner) {
        engine.close();
      }
      isClosed.countDown();
    }
  }

  private void ask(Context context, boolean explains) throws IOException {
    long start = System.nanoTime();
    long declared = context.req().getContentLengthLong(); // -1: not said
    if (declared > bodyLimit) {
      respond(context, explains, start, null, BodyReader.tooLarge(bodyLimit));
      return;
    }
    boolean isSmall = declared >= 0 && declared <= TRUSTED_BODY_BYTES;
    ServletInputStream stream = context.req().getInputStream();
    if (isSmall && stream.available() >= declared) { // as nearly always: nobody has to wait
      respond(context, explains, start, stream.readNBytes((int) declared), null);
    } else if (isSmall || largeBodies.tryAcquire()) {
      context.future(() -> read(context, explains, start, stream, isSmall));
    } else {
      respond(
          context,
          explains,
          start,
          null,
          new RequestException(503, "too many large requests at once"));
    }
  }

  /**
   * Reads the body before the request takes a place: who sends one slowly, or nothing at all, keeps
   * no place from others. Large ones have places of their own, for the sake of memory.
   */
  private CompletableFuture<?> read(
      Context context, boolean explains, long start, ServletInputStream stream, boolean isSmall) {
    CompletableFuture<byte[]> body = BodyReader.read(stream, bodyLimit);
    ScheduledFuture<?> end =
        timer.schedule(
            () -> body.completeExceptionally(BodyReader.tooSlow()),
            options.bodyTimeout().toMillis(),
            TimeUnit.MILLISECONDS);
    return body.handle(
        (bytes, refusal) -> {
          end.cancel(false);
          if (!isSmall) {
            largeBodies.release();
          }
          try {
            respond(context, explains, start, bytes, refusal);
          } catch (IOException clientHasGone) {
            return null; // and nobody is left to be told
          }
          return null;
        });
  }

  /** Answers a body, or says why there is none. */
  private void respond(
      Context context, boolean explains, long start, byte[] body, Throwable refusal)
      throws IOException {
    int status = 200;
    byte[] result;
    try {
      if (refusal instanceof RuntimeException known) {
        throw known;
      }
      result = explains ? explain(context, body) : predict(context, body);
    } catch (RequestException known) {
      status = known.status();
      result = Answers.writeError(known.getMessage());
    } catch (RuntimeException error) {
      status = 500;
      result = Answers.writeError(String.valueOf(error.getMessage()));
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
      if (explains) {
        metrics.countExplanation(status);
      } else {
        metrics.countRequest(status, System.nanoTime() - start);
      }
    }
  }

  private byte[] predict(Context context, byte[] body) {
    if (!places.tryAcquire()) {
      throw new RequestException(503, "too many requests at once");
    }
    try {
      String type = context.contentType();
      return Answers.write(engine.answer(model -> Questions.read(model, type, body).answer(model)));
    } finally {
      places.release();
    }
  }

  /** As a prediction, but a hundred of them: few at once, so that others are answered. */
  private byte[] explain(Context context, byte[] body) {
    String task = context.queryParam("task");
    String label = context.queryParam("label");
    if (task == null || label == null) {
      throw new RequestException(400, "expected ?task=…&label=…, got " + context.queryString());
    }
    if (!explaining.tryAcquire()) {
      throw new RequestException(503, "too many explanations at once");
    }
    try {
      String type = context.contentType();
      return engine.answer(
          model ->
              Occlusion.explain(
                  model, Questions.read(model, type, body), task, label, MOST_EXPLAINING_NANOS));
    } finally {
      explaining.release();
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
      context.status(refusal.status()).result(Answers.writeError(refusal.getMessage()));
      return;
    }
    CompletableFuture<Void> loading;
    try {
      loading = CompletableFuture.runAsync(this::loadAgain, reloading);
    } catch (RejectedExecutionException stopping) {
      refuseReload(context);
      return;
    }
    context.future(
        () ->
            CompletableFuture.anyOf(loading, isStopping)
                .handle(
                    (nothing, error) -> {
                      reloaded(context, loading.isDone(), error);
                      return null;
                    }));
  }

  private void loadAgain() {
    try {
      engine.reload();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static void refuseReload(Context context) {
    context.status(503).result(Answers.writeError("shutting down; the former model goes on"));
  }

  private void reloaded(Context context, boolean isOver, Throwable error) {
    Throwable cause = error instanceof CompletionException ? error.getCause() : error;
    // The engine may be closed already, or loading have been interrupted.
    if (!isOver || (cause != null && isStopping.isDone())) {
      refuseReload(context);
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
      context.status(isFile ? 409 : 500).result(Answers.writeError(message));
    }
  }

  private void health(Context context) {
    context.status(isDraining ? 503 : 200).contentType("application/json");
    context.result(isDraining ? "{\"status\":\"shutting down\"}" : "{\"status\":\"up\"}");
  }

  private void metrics(Context context) {
    context.contentType("text/plain; version=0.0.4; charset=utf-8");
    context.result(metrics.text());
  }
}
