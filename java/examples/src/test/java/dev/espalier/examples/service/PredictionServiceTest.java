// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class PredictionServiceTest {
  private static final int SIZE = 36;
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
        .build(seed);
  }

  @BeforeEach
  void start() {
    model = folder.resolve("model.safetensors");
    try (Network network = network(1)) {
      network.save(model);
    }
    engine = new EspalierEngine(model);
    service = started(engine, new PredictionService.Limits(64, 4096, 300));
  }

  @AfterEach
  void stop() {
    service.close();
    engine.close();
  }

  private static PredictionService started(Engine engine, PredictionService.Limits limits) {
    return new PredictionService(engine, limits).start("127.0.0.1", 0);
  }

  private HttpResponse<String> post(String path, String type, BodyPublisher body)
      throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + service.port() + path);
    return client.send(
        HttpRequest.newBuilder(uri).header("Content-Type", type).POST(body).build(),
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
    };
    for (String[] body : bodies) {
      HttpResponse<String> response = post("/predict", JSON, BodyPublishers.ofString(body[0]));
      assertEquals(400, response.statusCode(), body[0]);
      assertTrue(response.body().contains(body[1]), body[0] + ": " + response.body());
    }
    HttpResponse<String> bytes = post("/predict", BYTES, BodyPublishers.ofByteArray(new byte[35]));
    assertEquals(400, bytes.statusCode());
    assertTrue(bytes.body().contains("expected 36 bytes"), bytes.body());
    assertEquals(415, post("/predict", "text/plain", BodyPublishers.ofString("x")).statusCode());
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
    for (String line :
        List.of(
            "espalier_requests_total{status=\"200\"} 1",
            "espalier_requests_total{status=\"400\"} 1",
            "espalier_request_seconds_bucket{le=\"+Inf\"} 2",
            "espalier_request_seconds_count 2",
            "espalier_predictor_calls 1")) {
      assertTrue(metrics.body().contains(line + "\n"), line + " in\n" + metrics.body());
    }
    for (String line : metrics.body().split("\n")) {
      assertTrue(
          line.startsWith("#") || line.matches("[a-z_]+(\\{[a-z]+=\"[^\"]*\"\\})? [-+0-9.eNaN]+"),
          line);
    }
  }

  @Test
  void turnsAwayWhatIsTooMuch() throws Exception {
    service.close();
    CountDownLatch isIn = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    Engine slow =
        new Engine() {
          @Override
          public int inputSize() {
            return SIZE;
          }

          @Override
          public Answer predict(float[] input) {
            return engine.predict(input);
          }

          @Override
          public Answer predictPixels(byte[] pixels) {
            isIn.countDown();
            try {
              release.await();
            } catch (InterruptedException interruption) {
              throw new IllegalStateException(interruption);
            }
            return engine.predictPixels(pixels);
          }

          @Override
          public void reload() {}

          @Override
          public String describe() {
            return "slow";
          }

          @Override
          public Map<String, Double> figures() {
            return Map.of();
          }

          @Override
          public void close() {}
        };
    service = started(slow, new PredictionService.Limits(1, 4096, 50));
    URI uri = URI.create("http://127.0.0.1:" + service.port() + "/predict");
    var first =
        client.sendAsync(
            HttpRequest.newBuilder(uri)
                .header("Content-Type", BYTES)
                .POST(BodyPublishers.ofByteArray(new byte[SIZE]))
                .build(),
            BodyHandlers.ofString());
    isIn.await();
    HttpResponse<String> second =
        post("/predict", BYTES, BodyPublishers.ofByteArray(new byte[SIZE]));
    assertEquals(503, second.statusCode());
    assertTrue(second.body().contains("too many"), second.body());
    assertEquals("1", second.headers().firstValue("Retry-After").orElse(""));
    assertEquals(200, get("/health").statusCode());
    release.countDown();
    assertEquals(200, first.get().statusCode());
  }

  @Test
  void aBrokenModelFileChangesNothing() throws Exception {
    Files.writeString(model, "nonsense");
    HttpResponse<String> response = post("/admin/model", JSON, BodyPublishers.noBody());
    assertEquals(409, response.statusCode(), response.body());
    Files.delete(model);
    assertEquals(409, post("/admin/model", JSON, BodyPublishers.noBody()).statusCode());
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
  void swappingAndStoppingUnderLoadLosesNoRequest() throws Exception {
    List<String> legal = new ArrayList<>();
    for (int seed = 1; seed <= 2; seed++) {
      try (Network network = network(seed);
          Predictor predictor = network.predictor()) {
        legal.add(
            new String(
                Requests.write(
                    new Engine.Answer(predictor.tasks(), predictor.predictPixels(pixels()))),
                StandardCharsets.UTF_8));
      }
    }
    AtomicReference<Throwable> failure = new AtomicReference<>();
    AtomicInteger answers = new AtomicInteger();
    AtomicInteger farewells = new AtomicInteger();
    List<Thread> callers = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      callers.add(
          new Thread(
              () -> {
                try {
                  while (true) {
                    HttpResponse<String> response =
                        post("/predict", BYTES, BodyPublishers.ofByteArray(pixels()));
                    if (response.statusCode() == 503) {
                      farewells.incrementAndGet();
                      return;
                    }
                    assertEquals(200, response.statusCode(), response.body());
                    assertTrue(legal.contains(response.body()), response.body());
                    answers.incrementAndGet();
                  }
                } catch (ConnectException stopped) {
                  farewells.incrementAndGet();
                } catch (Throwable error) {
                  failure.set(error);
                }
              }));
    }
    callers.forEach(Thread::start);
    for (int swap = 0; swap < 100; swap++) {
      try (Network network = network(swap % 2 + 1)) {
        network.save(model);
      }
      assertEquals(200, post("/admin/model", JSON, BodyPublishers.noBody()).statusCode());
    }
    service.close();
    for (Thread caller : callers) {
      caller.join();
    }
    assertNull(failure.get(), () -> String.valueOf(failure.get()));
    assertEquals(4, farewells.get());
    assertTrue(answers.get() > 200, answers + " answers");
    assertFalse(legal.get(0).equals(legal.get(1)));
  }
}
