// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that hang or break off. */
@Timeout(120)
class BrokenClientsTest {
  private static final int SIZE = 1 << 15;
  private static final int LARGE = 4 * SIZE + 1;

  @TempDir Path folder;

  private ServedVector served;

  @AfterEach
  void stop() {
    if (served != null) {
      served.close();
    }
  }

  private void start(ServiceOptions options) throws IOException {
    served = new ServedVector(folder, SIZE, options.drain(Duration.ZERO));
  }

  /** Reads to the end, or until a reset, which answers what was sent after the end. */
  private static String answer(Socket socket) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      socket.getInputStream().transferTo(bytes);
    } catch (SocketException reset) {
      assertTrue(bytes.size() > 0, reset::toString);
    }
    return bytes.toString(StandardCharsets.US_ASCII);
  }

  /** Small bodies and large ones, and those of which nobody says how large they are. */
  @Test
  void whoSendsNothingKeepsNobodyOut() throws Exception {
    start(ServiceOptions.defaults().maxConcurrent(2).maxBodyBytes(1 << 20));
    List<Socket> hanging = new ArrayList<>();
    try {
      for (int i = 0; i < 2; i++) {
        hanging.add(served.sent("Content-Length: 36\r\n", "x"));
        hanging.add(served.sent("Content-Length: 1000000\r\n", "x"));
      }
      // Once both hang, a third large body is one too many. Until then one that asks may take the
      // place of one that is to hang, which is turned away, so another one follows.
      while (served.predict(LARGE).statusCode() != 503) {
        Thread.sleep(10);
        hanging.add(served.sent("Content-Length: 1000000\r\n", "x"));
      }
      for (int i = 0; i < 10; i++) {
        HttpResponse<String> response = served.predict(SIZE);
        assertEquals(200, response.statusCode(), response.body());
      }
    } finally {
      for (Socket socket : hanging) {
        socket.close();
      }
    }
    // Their places are free again.
    while (served.predict(LARGE).statusCode() != 400) {
      Thread.sleep(10);
    }
  }

  private void assertCounts(int requests, int status) throws Exception {
    PrometheusText metrics = new PrometheusText(served.get("/metrics").body());
    assertEquals(requests, metrics.value("espalier_requests_total{status=\"" + status + "\"}"));
    assertEquals(requests, metrics.value("espalier_request_seconds_count"));
  }

  @Test
  void brokenBodiesAreBadInput() throws Exception {
    start(
        ServiceOptions.defaults()
            .maxConcurrent(4)
            .maxBodyBytes(4096)
            .bodyTimeout(Duration.ofMinutes(5)));
    try (Socket cut = served.sent("Content-Length: 36\r\n", "only a part");
        Socket cutLarge = served.sent("Transfer-Encoding: chunked\r\n", "4\r\nonly\r\n");
        Socket broken = served.sent("Transfer-Encoding: chunked\r\n", "no length\r\n")) {
      for (Socket socket : List.of(cut, cutLarge, broken)) {
        socket.shutdownOutput();
        String answer = answer(socket);
        assertTrue(answer.startsWith("HTTP/1.1 400 "), answer);
      }
    }
    assertCounts(3, 400);
  }

  @Test
  void slowBodiesAreTooLate() throws Exception {
    start(
        ServiceOptions.defaults()
            .maxConcurrent(4)
            .maxBodyBytes(4096)
            .bodyTimeout(Duration.ofSeconds(2)));
    try (Socket silent = served.sent("Content-Length: 36\r\n", "x");
        Socket slow = served.sent("Content-Length: 4096\r\n", "x")) {
      while (slow.getInputStream().available() == 0) {
        slow.getOutputStream().write('x');
        Thread.sleep(100);
      }
      for (Socket socket : List.of(silent, slow)) {
        String answer = answer(socket);
        assertTrue(answer.startsWith("HTTP/1.1 408 "), answer);
      }
    }
    assertCounts(2, 408);
  }
}
