// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Shape;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Bodies that come slowly, more of them than a server has threads, silence nobody else. */
@Timeout(120)
class SlowClientsTest {
  private static final int SIZE = 3072;
  private static final int CLIENTS = 400;
  private static final int MOST_SECONDS = 5;

  @TempDir Path folder;

  private final HttpClient client = HttpClient.newHttpClient();
  private EspalierEngine engine;
  private PredictionService service;

  @BeforeEach
  void start() {
    Path model = folder.resolve("model.safetensors");
    try (Network network =
        Network.builder(Shape.vector(SIZE)).head("a", Head.classes(3)).build(1)) {
      network.save(model);
    }
    engine = new EspalierEngine(model);
    service =
        new PredictionService(engine, new PredictionService.Limits(256, 16 << 20, 20_000, 0))
            .start("127.0.0.1", 0);
  }

  @AfterEach
  void stop() {
    service.close();
    engine.close();
  }

  private Socket sent(String header, String partOfABody) throws IOException {
    Socket socket = new Socket("127.0.0.1", service.port());
    socket.setSoTimeout(30_000);
    String text =
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
            + header
            + "\r\n\r\n"
            + partOfABody;
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  private HttpRequest.Builder to(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + service.port() + path))
        .timeout(Duration.ofSeconds(MOST_SECONDS));
  }

  @Test
  void slowBodiesSilenceNobody() throws Exception {
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < CLIENTS; i++) {
        slow.add(sent("Content-Length: " + SIZE, "x"));
      }
      TimeUnit.MILLISECONDS.sleep(500);
      HttpRequest predict =
          to("/predict")
              .header("Content-Type", "application/octet-stream")
              .POST(BodyPublishers.ofByteArray(new byte[SIZE]))
              .build();
      for (int i = 0; i < 5; i++) {
        assertEquals(200, client.send(to("/health").build(), BodyHandlers.ofString()).statusCode());
        assertEquals(200, client.send(predict, BodyHandlers.ofString()).statusCode());
      }
      // Whoever goes on gets an answer.
      Socket last = slow.get(CLIENTS - 1);
      last.getOutputStream().write(new byte[SIZE / 2]);
      TimeUnit.MILLISECONDS.sleep(50);
      last.getOutputStream().write(new byte[SIZE - 1 - SIZE / 2]);
      byte[] status = last.getInputStream().readNBytes(12);
      assertEquals("HTTP/1.1 200", new String(status, StandardCharsets.US_ASCII));
    } finally {
      for (Socket socket : slow) {
        socket.close();
      }
    }
  }

  /** No input of so many numbers needs 16 MiB, in whatever form. */
  @Test
  void bodiesAreNoLargerThanTheModelNeeds() throws Exception {
    try (Socket large = sent("Content-Length: " + (16 << 20), "")) {
      String answer = new String(large.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
      assertEquals("HTTP/1.1 413", answer);
    }
    StringBuilder json = new StringBuilder("[\n");
    for (int i = 0; i < SIZE; i++) {
      json.append(i == 0 ? "" : ",\n").append("  ").append(-1.2345678901234567e-10);
    }
    assertTrue(json.append("\n]").length() > 25 * SIZE);
    HttpRequest predict =
        to("/predict")
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(json.toString()))
            .build();
    assertEquals(200, client.send(predict, BodyHandlers.ofString()).statusCode());
  }
}
