// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.Espalier;
import dev.espalier.Head;
import dev.espalier.Instrument;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class PredictionServiceTest {
  private static final int SIZE = 36;
  private static final String TOKEN = "a token of the tests";
  private static final String JSON = "application/json";
  private static final String BYTES = "application/octet-stream";

  @TempDir Path folder;

  private final HttpClient client = HttpClient.newHttpClient();
  private Path model;
  private EspalierEngine engine;
  private PredictionService service;

  private static Network network(long seed) {
    return Network.builder(Shape.image(1, 6, 6))
        .conv2d(4, 3)
        .relu()
        .dense("features", 8)
        .relu()
        .head("garment", Head.classes("shirt", "shoe", "bag"))
        .head("trait", Head.labels("long", "red"))
        .build(seed)
        .setThresholds("trait", 0.5, 0.25);
  }

  @BeforeEach
  void start() throws IOException {
    model = folder.resolve("model.safetensors");
    try (Network network = network(1)) {
      network.save(model);
    }
    engine = new EspalierEngine(model, ServiceOptions.defaults().predictor());
    service = PredictionService.start(engine, options(64, 300));
  }

  @AfterEach
  void stop() {
    service.close();
    engine.close();
  }

  private static ServiceOptions options(int maxConcurrent, long drainMillis) {
    return ServiceOptions.defaults()
        .port(0)
        .maxConcurrent(maxConcurrent)
        .maxBodyBytes(4096)
        .drain(Duration.ofMillis(drainMillis))
        .adminToken(TOKEN);
  }

  private HttpResponse<String> reload() throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + service.port() + "/admin/model");
    return client.send(
        HttpRequest.newBuilder(uri)
            .header("Content-Type", JSON)
            .header("Authorization", "Bearer " + TOKEN)
            .POST(BodyPublishers.noBody())
            .build(),
        BodyHandlers.ofString());
  }

  private HttpResponse<String> post(String path, String type, BodyPublisher body)
      throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + service.port() + path);
    return client.send(
        HttpRequest.newBuilder(uri).header("Content-Type", type).POST(body).build(),
        BodyHandlers.ofString());
  }

  private CompletableFuture<HttpResponse<String>> postAsync(byte[] body) {
    URI uri = URI.create("http://127.0.0.1:" + service.port() + "/predict");
    return client.sendAsync(
        HttpRequest.newBuilder(uri)
            .header("Content-Type", BYTES)
            .POST(BodyPublishers.ofByteArray(body))
            .build(),
        BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + service.port() + path);
    return client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
  }

  private static float[] input() {
    float[] input = new float[SIZE];
    for (int i = 0; i < SIZE; i++) {
      input[i] = i % 5 / 4f;
    }
    return input;
  }

  private static void assertAnswer(float[] expected, String body) throws IOException {
    JsonNode tasks = new ObjectMapper().readTree(body).get("tasks");
    JsonNode garment = tasks.get("garment").get("probabilities");
    JsonNode trait = tasks.get("trait").get("probabilities");
    assertEquals(expected[0], garment.get("shirt").floatValue());
    assertEquals(expected[2], garment.get("bag").floatValue());
    assertEquals(expected[3], trait.get("long").floatValue());
    assertEquals(expected[4], trait.get("red").floatValue());
    assertTrue(garment.has(tasks.get("garment").get("best").textValue()));
    assertEquals("labels", tasks.get("trait").get("kind").textValue());
    List<String> isTrue = new ArrayList<>();
    tasks.get("trait").get("true").forEach(label -> isTrue.add(label.textValue()));
    assertEquals(expected[3] >= 0.5, isTrue.contains("long"));
    assertEquals(expected[4] >= 0.25, isTrue.contains("red"));
  }

  @Test
  void answersEachFormOfInput() throws Exception {
    float[] input = input();
    ByteBuffer floats = ByteBuffer.allocate(4 * SIZE).order(ByteOrder.LITTLE_ENDIAN);
    floats.asFloatBuffer().put(input);
    byte[] pixels = pixels();
    String array = Arrays.toString(input);
    try (Network network = Network.load(model);
        Predictor predictor = network.predictor()) {
      float[] expected = predictor.predict(input);
      HttpResponse<String> json = post("/predict", JSON, BodyPublishers.ofString(array));
      assertEquals(200, json.statusCode(), json.body());
      assertAnswer(expected, json.body());
      String object = "{\"input\": " + array + "}";
      assertAnswer(expected, post("/predict", JSON, BodyPublishers.ofString(object)).body());
      assertAnswer(
          expected, post("/predict", BYTES, BodyPublishers.ofByteArray(floats.array())).body());
      assertAnswer(
          predictor.predictPixels(pixels),
          post("/predict", BYTES, BodyPublishers.ofByteArray(pixels)).body());
    }
  }

  @Test
  void refusesBadInputWithItsReason() throws Exception {
    String number = "[" + "1,".repeat(SIZE - 1) + "%s]";
    String whole = String.format(number, "1");
    String[][] bodies = {
      {"", "expected an array"},
      {"nonsense", "expected JSON"},
      {"3", "expected an array"},
      {"[1, 2]", "got 2"},
      {"[" + "1,".repeat(SIZE) + "1]", "got 37"},
      {String.format(number, "\"1\""), "something else at index 35"},
      {String.format(number, "null"), "something else"},
      {String.format(number, "1e999"), "finite"},
      {String.format(number, "NaN"), "expected JSON"},
      {String.format(number, "1") + "[]", "nothing after"},
      {"[1, 2", "expected JSON"},
      {"{\"input\": 3}", "expected an array"},
      {"{\"inputs\": []}", "got \\\"inputs\\\""},
      {"[".repeat(3000), "something else at index 0"},
      {"{\"input\":" + "[".repeat(3000), "something else at index 0"},
      {"{\"input\":".repeat(300), "expected an array"},
      {String.format("{\"input\":%1$s,\"input\":%1$s}", whole), "once, got \\\"input\\\""},
      {String.format("{\"input\":%s", whole), "expected JSON"},
      {String.format("{\"input\":%s}]", whole), "expected JSON"},
      {String.format(number, "1e39"), "finite"},
      {String.format(number, "-Infinity"), "expected JSON"},
      {String.format(number, "1".repeat(500)), "finite"},
      {String.format(number, "1".repeat(2000)), "expected JSON"},
      {String.format(number, "1e" + "9".repeat(500)), "finite"},
      {String.format(number, "01"), "expected JSON"},
      {String.format(number, "true"), "something else"},
    };
    for (String[] body : bodies) {
      HttpResponse<String> response = post("/predict", JSON, BodyPublishers.ofString(body[0]));
      assertEquals(400, response.statusCode(), body[0]);
      assertTrue(response.body().contains(body[1]), body[0] + ": " + response.body());
    }
    HttpResponse<String> bytes = post("/predict", BYTES, BodyPublishers.ofByteArray(new byte[35]));
    assertEquals(400, bytes.statusCode());
    assertTrue(bytes.body().contains("expected 36 bytes"), bytes.body());
    for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY, -Float.MAX_VALUE * 2}) {
      ByteBuffer floats = ByteBuffer.allocate(4 * SIZE).order(ByteOrder.LITTLE_ENDIAN);
      floats.putFloat(4 * 35, wrong);
      HttpResponse<String> response =
          post("/predict", BYTES, BodyPublishers.ofByteArray(floats.array()));
      assertEquals(400, response.statusCode(), response.body());
      assertTrue(
          response.body().contains("finite numbers, got " + wrong + " at index 35"),
          response.body());
    }
    for (String type : List.of("text/plain", "application/jsonx", "application/octet-streams")) {
      assertEquals(415, post("/predict", type, BodyPublishers.ofString(whole)).statusCode(), type);
    }
    HttpResponse<String> withCharset =
        post("/predict", "Application/JSON ; charset=utf-8", BodyPublishers.ofString(whole));
    assertEquals(200, withCharset.statusCode(), withCharset.body());
    assertEquals(404, get("/nothing").statusCode());
    assertEquals(
        200, post("/predict", BYTES, BodyPublishers.ofByteArray(new byte[36])).statusCode());
  }

  @Test
  void refusesLargeBodiesWithAndWithoutALength() throws Exception {
    byte[] large = new byte[4097];
    assertEquals(413, post("/predict", BYTES, BodyPublishers.ofByteArray(large)).statusCode());
    BodyPublisher chunked = BodyPublishers.ofByteArrays(List.of(new byte[4000], new byte[4000]));
    assertEquals(413, post("/predict", BYTES, chunked).statusCode());
    assertEquals(
        400, post("/predict", BYTES, BodyPublishers.ofByteArray(new byte[4096])).statusCode());
  }

  @Test
  void tellsHealthMetricsAndModel() throws Exception {
    post("/predict", BYTES, BodyPublishers.ofByteArray(new byte[SIZE]));
    post("/predict", BYTES, BodyPublishers.ofByteArray(new byte[3]));
    assertEquals(200, get("/health").statusCode());
    assertTrue(get("/model").body().contains("CPU target"));
    HttpResponse<String> metrics = get("/metrics");
    assertTrue(metrics.headers().firstValue("Content-Type").orElse("").startsWith("text/plain"));
    PrometheusText parsed = new PrometheusText(metrics.body());
    assertEquals(1, parsed.value("espalier_requests_total{status=\"200\"}"));
    assertEquals(1, parsed.value("espalier_requests_total{status=\"400\"}"));
    assertEquals(2, parsed.value("espalier_request_seconds_count"));
    assertEquals(1, parsed.value("espalier_predictor_calls_total"));
    assertTrue(parsed.value("espalier_native_bytes") > 0);
  }

  @Test
  void countersGoOnWhenTheModelIsReplaced() throws Exception {
    Map<String, Double> before = Map.of();
    for (int swap = 0; swap < 3; swap++) {
      for (int i = 0; i < 5; i++) {
        post("/predict", BYTES, BodyPublishers.ofByteArray(new byte[SIZE]));
      }
      assertEquals(200, reload().statusCode());
      PrometheusText now = new PrometheusText(get("/metrics").body());
      assertEquals(5 * (swap + 1), now.value("espalier_predictor_calls_total"));
      assertEquals(swap + 1, now.value("espalier_model_reloads_total"));
      before.forEach((name, value) -> assertTrue(now.value(name) >= value, name));
      before = now.counts();
    }
    assertTrue(before.containsKey("espalier_predictor_failed_calls_total"), before::toString);
  }

  @Test
  void turnsAwayWhatIsTooMuch() throws Exception {
    service.close();
    SlowEngine slow = new SlowEngine(engine);
    service = PredictionService.start(slow, options(1, 50));
    var first = postAsync(new byte[SIZE]);
    slow.isIn.await();
    HttpResponse<String> second =
        post("/predict", BYTES, BodyPublishers.ofByteArray(new byte[SIZE]));
    assertEquals(503, second.statusCode());
    assertTrue(second.body().contains("too many"), second.body());
    assertEquals("1", second.headers().firstValue("Retry-After").orElse(""));
    assertEquals(200, get("/health").statusCode());
    slow.release.countDown();
    assertEquals(200, first.get().statusCode());
  }

  @Test
  void requestsHaveVirtualThreadsWhereThereAreSome() throws Exception {
    assumeTrue(Runtime.version().feature() >= 21, "virtual threads need Java 21");
    service.close();
    AtomicReference<Thread> answering = new AtomicReference<>();
    SlowEngine slow = new SlowEngine(engine, answering::set);
    slow.release.countDown();
    service = PredictionService.start(slow, options(1, 0));
    post("/predict", BYTES, BodyPublishers.ofByteArray(new byte[SIZE]));
    assertEquals(true, Thread.class.getMethod("isVirtual").invoke(answering.get()));
  }

  /** For as long as it drains at least, and what was asked before it stops is answered after. */
  @Test
  void drainsBeforeItStops() throws Exception {
    service.close();
    Duration drain = Duration.ofSeconds(1);
    SlowEngine slow = new SlowEngine(engine);
    service = PredictionService.start(slow, options(4, drain.toMillis()));
    CountDownLatch holding = slow.release;
    var last = postAsync(new byte[SIZE]);
    slow.isIn.await();
    slow.release = new CountDownLatch(0);
    long start = System.nanoTime();
    Thread closing = new Thread(service::close);
    closing.start();
    try {
      while (true) {
        boolean isDraining = get("/health").statusCode() == 503;
        HttpResponse<String> response =
            post("/predict", BYTES, BodyPublishers.ofByteArray(new byte[SIZE]));
        if (response.statusCode() == 503) {
          break;
        }
        assertEquals(200, response.statusCode(), response.body());
        if (isDraining) {
          assertEquals("close", response.headers().firstValue("Connection").orElse(""));
        }
      }
    } catch (IOException refused) {
      assertFalse(refused instanceof HttpTimeoutException, "no answer");
    }
    assertTrue(System.nanoTime() - start >= drain.toNanos());
    assertFalse(last.isDone());
    holding.countDown();
    assertEquals(200, last.get().statusCode());
    closing.join();
  }

  /** Answers pictures when it is allowed to. */
  private static final class SlowEngine implements Engine {
    private final Engine engine;
    private final Consumer<Thread> answering;
    private final AtomicBoolean isAsked = new AtomicBoolean();
    volatile CountDownLatch isIn;
    volatile CountDownLatch release;

    SlowEngine(Engine engine) {
      this(engine, thread -> {});
    }

    SlowEngine(Engine engine, Consumer<Thread> answering) {
      this.engine = engine;
      this.answering = answering;
      hold();
    }

    void hold() {
      isIn = new CountDownLatch(1);
      release = new CountDownLatch(1);
    }

    @Override
    public <R> R answer(Function<Model, R> request) {
      if (isAsked.compareAndSet(false, true)) {
        return engine.answer(request); // the service asks for the input's size before it starts
      }
      answering.accept(Thread.currentThread());
      CountDownLatch until = release;
      isIn.countDown();
      try {
        until.await();
      } catch (InterruptedException interruption) {
        throw new IllegalStateException(interruption);
      }
      return engine.answer(request);
    }

    @Override
    public void reload() {}

    @Override
    public String describe() {
      return "slow";
    }

    @Override
    public List<Instrument> instruments() {
      return List.of();
    }

    @Override
    public void close() {}
  }

  @Test
  void aModelThatCannotBeLoadedChangesNothing() throws Exception {
    Files.writeString(model, "nonsense");
    HttpResponse<String> response = reload();
    assertEquals(409, response.statusCode(), response.body());
    Files.delete(model);
    assertEquals(409, reload().statusCode());
    try (Network network = network(2)) {
      network.save(model);
    }
    long budget = Espalier.nativeBytesBudget();
    Espalier.setNativeBytesBudget(0);
    try {
      HttpResponse<String> refusal = reload();
      assertEquals(500, refusal.statusCode());
      assertTrue(refusal.body().contains("{\"error\":\"") && refusal.body().contains("budget"));
    } finally {
      Espalier.setNativeBytesBudget(budget);
    }
    assertEquals(
        200, post("/predict", BYTES, BodyPublishers.ofByteArray(new byte[SIZE])).statusCode());
  }

  private static byte[] pixels() {
    byte[] pixels = new byte[SIZE];
    for (int i = 0; i < SIZE; i++) {
      pixels[i] = (byte) (i * 7);
    }
    return pixels;
  }

  @Test
  void aRequestSeesOneModelAlone() throws Exception {
    AtomicInteger attempts = new AtomicInteger();
    Engine.Answer answer =
        engine.answer(
            served -> {
              float[] input = new float[served.inputSize()];
              if (attempts.getAndIncrement() == 0) {
                try (Network other = network(2)) {
                  other.save(model);
                }
                engine.reload();
              }
              return served.predict(input);
            });
    assertEquals(2, attempts.get());
    try (Network network = network(2);
        Predictor predictor = network.predictor()) {
      assertArrayEquals(predictor.predict(new float[SIZE]), answer.values());
    }
  }

  @Test
  void aModelForOtherInputsOrTasksIsRefused() throws Exception {
    byte[] picture = new byte[SIZE];
    Shape shape = Shape.image(1, 6, 6);
    Head garment = Head.classes("shirt", "shoe", "bag");
    Head trait = Head.labels("long", "red");
    String served =
        "expected inputs [1, 6, 6] of numbers, CLASSES \\\"garment\\\" [shirt, shoe, bag], ";
    String answer = post("/predict", BYTES, BodyPublishers.ofByteArray(picture)).body();
    List<NetworkBuilder> others =
        List.of(
            Network.builder(Shape.vector(SIZE)).head("garment", garment).head("trait", trait),
            Network.builder(shape).head("garment", garment),
            Network.builder(shape).head("trait", trait).head("garment", garment),
            Network.builder(shape).head("garment", garment).head("trait", Head.labels("long, red")),
            Network.builder(shape)
                .head("garment", garment)
                .head("trait", Head.values("long", "red")));
    for (NetworkBuilder other : others) {
      try (Network network = other.build(1)) {
        network.save(model);
      }
      HttpResponse<String> response = reload();
      assertEquals(409, response.statusCode(), response.body());
      assertTrue(response.body().contains(served), response.body());
      assertEquals(answer, post("/predict", BYTES, BodyPublishers.ofByteArray(picture)).body());
    }
    assertEquals(
        0, new PrometheusText(get("/metrics").body()).value("espalier_model_reloads_total"));
    try (Network network = network(2).setThresholds("trait", 0, 0)) {
      network.save(model);
    }
    HttpResponse<String> response = reload();
    assertEquals(200, response.statusCode(), response.body());
    String tuned = post("/predict", BYTES, BodyPublishers.ofByteArray(picture)).body();
    assertTrue(tuned.contains("\"true\":[\"long\",\"red\"]"), tuned);
  }

  @Test
  void aCommandWithLimitsOutOfRangeIsRefused() {
    StringWriter messages = new StringWriter();
    assertEquals(
        2,
        ServiceMain.commandLine()
            .setErr(new PrintWriter(messages))
            .execute("--model", model.toString(), "--drain-millis", "-1"));
    assertTrue(
        messages.toString().contains("drain: expected 0 ms to a day, got PT-0.001S"),
        messages.toString());
  }

  @Test
  void swappingAndStoppingUnderLoadLosesNoRequest() throws Exception {
    List<String> legal = new ArrayList<>();
    for (int seed = 1; seed <= 2; seed++) {
      try (Network network = network(seed);
          Predictor predictor = network.predictor()) {
        legal.add(
            new String(
                Answers.write(
                    new Engine.Answer(predictor.tasks(), predictor.predictPixels(pixels()))),
                StandardCharsets.UTF_8));
      }
    }
    assertFalse(legal.get(0).equals(legal.get(1)));
    // Who goes on for longer than the service drains is refused, which may happen to callers on a
    // busy computer: then once more, with more time.
    for (long drainMillis = 300; !swapAndStop(legal, drainMillis); drainMillis *= 4) {
      service = PredictionService.start(engine, options(64, 4 * drainMillis));
    }
  }

  /** Returns whether the callers were gone while the service drained. */
  private boolean swapAndStop(List<String> legal, long drainMillis) throws Exception {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    AtomicInteger answers = new AtomicInteger();
    AtomicBoolean isDown = new AtomicBoolean();
    List<Thread> callers = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      callers.add(
          new Thread(
              () -> {
                try {
                  while (!isDown.get()) {
                    HttpResponse<String> response =
                        post("/predict", BYTES, BodyPublishers.ofByteArray(pixels()));
                    assertEquals(200, response.statusCode(), response.body());
                    assertTrue(legal.contains(response.body()), response.body());
                    answers.incrementAndGet();
                  }
                } catch (Throwable error) {
                  failure.set(error);
                }
              }));
    }
    callers.forEach(Thread::start);
    for (int swap = 0; swap < 100 || (answers.get() <= 200 && failure.get() == null); swap++) {
      try (Network network = network(swap % 2 + 1)) {
        network.save(model);
      }
      assertEquals(200, reload().statusCode());
    }
    assertNull(failure.get(), () -> String.valueOf(failure.get()));
    long start = System.nanoTime();
    Thread closing = new Thread(service::close);
    closing.start();
    try {
      while (get("/health").statusCode() == 200) {
        Thread.onSpinWait();
      }
    } catch (IOException refused) {
      // It has drained already.
    }
    isDown.set(true); // as a balancer would
    for (Thread caller : callers) {
      caller.join();
    }
    boolean isInTime = System.nanoTime() - start < TimeUnit.MILLISECONDS.toNanos(drainMillis);
    closing.join();
    assertTrue(!isInTime || failure.get() == null, () -> String.valueOf(failure.get()));
    return isInTime;
  }
}
