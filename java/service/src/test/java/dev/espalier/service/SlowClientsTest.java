// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
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
@Timeout(240)
class SlowClientsTest {
  private static final int SIZE = 3072;
  private static final int CLIENTS = 400;

  @TempDir Path folder;

  private ServedVector served;

  @BeforeEach
  void start() throws Exception {
    served =
        new ServedVector(
            folder,
            SIZE,
            ServiceOptions.defaults().bodyTimeout(Duration.ofMinutes(5)).drain(Duration.ZERO));
  }

  @AfterEach
  void stop() {
    served.close();
  }

  @Test
  void slowBodiesSilenceNobody() throws Exception {
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < CLIENTS; i++) {
        slow.add(served.sent("Content-Length: " + SIZE + "\r\n", "x"));
      }
      TimeUnit.MILLISECONDS.sleep(500);
      for (int i = 0; i < 5; i++) {
        assertEquals(200, served.get("/health").statusCode());
        assertEquals(200, served.predict(SIZE).statusCode());
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
    try (Socket large = served.sent("Content-Length: " + (16 << 20) + "\r\n", "x")) {
      String answer = new String(large.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
      assertEquals("HTTP/1.1 413", answer);
    }
    StringBuilder json = new StringBuilder("[\n");
    for (int i = 0; i < SIZE; i++) {
      json.append(i == 0 ? "" : ",\n").append("  ").append(-1.2345678901234567e-10);
    }
    assertTrue(json.append("\n]").length() > 25 * SIZE);
    assertEquals(
        200,
        served.predict("application/json", BodyPublishers.ofString(json.toString())).statusCode());
  }
}
