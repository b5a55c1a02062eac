// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
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
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that hang or break off. */
@Timeout(60)
class BrokenClientsTest {
  private static final int SIZE = 1 << 15;
  private static final int LARGE = 4 * SIZE + 1;
  private static final String TOKEN = "a token of the tests";
  private static final String BYTES = "application/octet-stream";

  @TempDir Path folder;

  private final HttpClient client = HttpClient.newHttpClient();
  private EspalierEngine engine;
  private PredictionService service;

  @BeforeEach
  void load() {
    Path model = folder.resolve("model.safetensors");
    try (Network network =
        Network.builder(Shape.vector(SIZE)).head("a", Head.classes(3)).build(1)) {
      network.save(model);
    }
    engine = new EspalierEngine(model);
  }

  @AfterEach
  void stop() {
    if (service != null) {
      service.close();
    }
    engine.close();
  }

  private void start(PredictionService.Limits limits) {
    service = new PredictionService(engine, limits, TOKEN).start("0.0.0.0", 0);
  }

  private HttpResponse<String> post(String host, String path, byte[] body)
      throws IOException, InterruptedException {
    URI uri = URI.create("http://" + host + ":" + service.port() + path);
    return client.send(
        HttpRequest.newBuilder(uri)
            .header("Content-Type", BYTES)
            .POST(BodyPublishers.ofByteArray(body))
            .build(),
        BodyHandlers.ofString());
  }

  private HttpResponse<String> predict(int bytes) throws IOException, InterruptedException {
    return post("127.0.0.1", "/predict", new byte[bytes]);
  }

  /** Sends what a broken client sends; returns its connection. */
  private Socket sent(String headers, String partOfABody) throws IOException {
    Socket socket = new Socket("127.0.0.1", service.port());
    socket.setSoTimeout(30_000);
    String head = "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + BYTES + "\r\n";
    String text = head + headers + "\r\n" + partOfABody;
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  private static String answer(Socket socket) throws IOException {
    return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
  }

  /** Small bodies and large ones, and those of which nobody says how large they are. */
  @Test
  void whoSendsNothingKeepsNobodyOut() throws Exception {
    start(new PredictionService.Limits(2, 1 << 20, 30_000, 0));
    List<Socket> hanging = new ArrayList<>();
    try {
      for (int i = 0; i < 2; i++) {
        hanging.add(sent("Content-Length: 36\r\n", "x"));
        hanging.add(sent("Content-Length: 1000000\r\n", "x"));
      }
      // Once both hang, a third large body is one too many. Until then one that asks may take the
      // place of one that is to hang, which is turned away, so another one follows.
      while (predict(LARGE).statusCode() != 503) {
        Thread.sleep(10);
        hanging.add(sent("Content-Length: 1000000\r\n", "x"));
      }
      for (int i = 0; i < 10; i++) {
        HttpResponse<String> response = predict(SIZE);
        assertEquals(200, response.statusCode(), response.body());
      }
    } finally {
      for (Socket socket : hanging) {
        socket.close();
      }
    }
    // Their places are free again.
    while (predict(LARGE).statusCode() != 400) {
      Thread.sleep(10);
    }
  }

  @Test
  void brokenBodiesAreBadInput() throws Exception {
    start(new PredictionService.Limits(4, 4096, 2_000, 0));
    try (Socket cut = sent("Content-Length: 36\r\n", "only a part");
        Socket cutLarge = sent("Transfer-Encoding: chunked\r\n", "4\r\nonly\r\n");
        Socket broken = sent("Transfer-Encoding: chunked\r\n", "no length\r\n")) {
      for (Socket socket : List.of(cut, cutLarge, broken)) {
        socket.shutdownOutput();
        String answer = answer(socket);
        assertTrue(answer.startsWith("HTTP/1.1 400 "), answer);
      }
    }
    try (Socket silent = sent("Content-Length: 36\r\n", "x");
        Socket slow = sent("Content-Length: 4096\r\n", "x")) {
      while (slow.getInputStream().available() == 0) {
        slow.getOutputStream().write('x');
        Thread.sleep(100);
      }
      for (Socket socket : List.of(silent, slow)) {
        String answer = answer(socket);
        assertTrue(answer.startsWith("HTTP/1.1 408 "), answer);
      }
    }
    URI uri = URI.create("http://127.0.0.1:" + service.port() + "/metrics");
    HttpRequest get = HttpRequest.newBuilder(uri).build();
    PrometheusText metrics = new PrometheusText(client.send(get, BodyHandlers.ofString()).body());
    assertEquals(3, metrics.value("espalier_requests_total{status=\"400\"}"));
    assertEquals(2, metrics.value("espalier_requests_total{status=\"408\"}"));
    assertEquals(5, metrics.value("espalier_request_seconds_count"));
  }

  @Test
  void limitsHaveToMakeSense() {
    long[] least = {1, 1, 1, 0};
    limits(least);
    limits(new long[] {Integer.MAX_VALUE, Integer.MAX_VALUE, 86_400_000, 86_400_000});
    for (int i = 0; i < least.length; i++) {
      long[] wrong = least.clone();
      wrong[i]--;
      assertThrows(IllegalArgumentException.class, () -> limits(wrong));
    }
    assertThrows(
        IllegalArgumentException.class, () -> limits(new long[] {1, 1, Long.MAX_VALUE, 0}));
    assertThrows(
        IllegalArgumentException.class, () -> limits(new long[] {1, 1, 1, Long.MAX_VALUE}));
  }

  private static PredictionService.Limits limits(long[] numbers) {
    return new PredictionService.Limits((int) numbers[0], (int) numbers[1], numbers[2], numbers[3]);
  }
}
