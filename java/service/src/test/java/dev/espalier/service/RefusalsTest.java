// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is refused before it is a question is refused in JSON, too, and says what there is. */
@Timeout(120)
class RefusalsTest {
  @TempDir Path folder;

  private ServedVector served;

  @BeforeEach
  void start() throws IOException {
    served = new ServedVector(folder, 9, ServiceOptions.defaults().drain(Duration.ZERO));
  }

  @AfterEach
  void stop() {
    served.close();
  }

  private static String error(String body) throws IOException {
    return new ObjectMapper().readTree(body).required("error").asText();
  }

  @Test
  void unknownPathsAndMethodsNameThoseThereAre() throws Exception {
    HttpResponse<String> unknown = served.get("/nothing");
    assertEquals(404, unknown.statusCode());
    assertTrue(error(unknown.body()).contains("POST /predict"), unknown.body());
    assertTrue(error(unknown.body()).endsWith("got GET /nothing"), unknown.body());
    assertFalse(unknown.body().contains("/admin"), unknown.body()); // which is off
    HttpResponse<String> wrong = served.get("/predict");
    assertEquals(405, wrong.statusCode());
    assertEquals("POST", wrong.headers().firstValue("Allow").orElse(""));
    assertTrue(error(wrong.body()).endsWith("got GET /predict"), wrong.body());
    assertEquals("application/json", wrong.headers().firstValue("Content-Type").orElse(""));
  }

  /** As they are sent: no client of HTTP would. */
  @Test
  void whatIsNoHttpIsAnsweredInJson() throws Exception {
    String head = " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    for (String request :
        new String[] {
          "nonsense\r\n\r\n",
          "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
          "GET /health HTTP/1.1\r\n\r\n", // without a host
          "GET /%zz" + head + "\r\n",
          "GET /..;/health" + head + "\r\n",
          "TRACE /health" + head + "\r\n",
          "POST /predict" + head + "Content-Length: many\r\n\r\n",
          "GET /health" + head + "X-Long: " + "x".repeat(1 << 14) + "\r\n\r\n"
        }) {
      String answer = answer(request);
      int status = Integer.parseInt(answer.split(" ")[1]);
      assertTrue(status >= 400 && status < 600, answer);
      int end = answer.indexOf("\r\n\r\n");
      assertTrue(
          answer.substring(0, end).contains("Content-Type: application/json"),
          () -> request + answer);
      assertFalse(error(answer.substring(end + 4)).isBlank(), () -> request + answer);
    }
    assertEquals(200, served.get("/health").statusCode());
  }

  private String answer(String request) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", served.address().getPort())) {
      socket.setSoTimeout(100_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      socket.shutdownOutput();
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    }
  }
}
