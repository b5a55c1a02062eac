// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Shape;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The service as a process, and what SIGTERM does to it. */
@Timeout(400)
class ServiceMainTest {
  private static final int SIGTERM_CODE = 128 + 15;
  private static final int SIZE = 100;

  @TempDir Path folder;

  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private Process process;
  private String address;

  private void start(long drainMillis) throws IOException {
    Path model = folder.resolve("model.safetensors");
    try (Network network =
        Network.builder(Shape.vector(SIZE)).dense(20).head("a", Head.classes(3)).build(1)) {
      network.save(model);
    }
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx128m");
    // Native libraries are unpacked where those of this test are.
    System.getProperties().stringPropertyNames().stream()
        .filter(name -> name.endsWith(".cachedir"))
        .forEach(name -> command.add("-D" + name + "=" + System.getProperty(name)));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(ServiceMain.class.getName());
    command.addAll(List.of("--model", model.toString(), "--port", "0"));
    command.addAll(List.of("--drain-millis", Long.toString(drainMillis)));
    process = new ProcessBuilder(command).redirectError(folder.resolve("log").toFile()).start();
    BufferedReader output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = output.readLine();
    assertTrue(line != null && line.startsWith("listening on "), line);
    address = line.substring("listening on ".length());
  }

  @AfterEach
  void stop() {
    if (process != null) {
      process.destroyForcibly();
    }
  }

  private int health(HttpClient client) throws IOException, InterruptedException {
    return client
        .send(
            HttpRequest.newBuilder(URI.create(address + "/health")).build(),
            BodyHandlers.discarding())
        .statusCode();
  }

  /** Sends one request after the other, as through a balancer that reads /health. */
  private final class Caller implements Runnable {
    final AtomicInteger answers = new AtomicInteger();
    final AtomicInteger farewells = new AtomicInteger();
    private final AtomicBoolean isDown;

    Caller(AtomicBoolean isDown) {
      this.isDown = isDown;
    }

    @Override
    public void run() {
      HttpClient client = HttpClient.newHttpClient();
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(address + "/predict"))
              .header("Content-Type", "application/octet-stream")
              .POST(BodyPublishers.ofByteArray(new byte[SIZE]))
              .build();
      try {
        while (!isDown.get()) {
          HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
          assertEquals(200, response.statusCode(), response.body());
          answers.incrementAndGet();
          if (response.headers().firstValue("Connection").orElse("").equals("close")) {
            farewells.incrementAndGet();
          }
        }
      } catch (Throwable error) {
        failure.set(error);
      }
    }
  }

  @Test
  void sigtermUnderLoadLosesNoRequest() throws Exception {
    // Who goes on for longer than the service drains is refused, which may happen to callers on a
    // busy computer: then once more, with more time.
    long drainMillis = 3_000;
    while (!terminate(drainMillis)) {
      drainMillis *= 4;
      failure.set(null);
    }
  }

  /** Returns whether the callers were gone while the service drained. */
  private boolean terminate(long drainMillis) throws Exception {
    start(drainMillis);
    HttpClient client = HttpClient.newHttpClient();
    AtomicBoolean isDown = new AtomicBoolean();
    List<Caller> callers = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      callers.add(new Caller(isDown));
      threads.add(new Thread(callers.get(i)));
    }
    threads.forEach(Thread::start);
    while (callers.stream().anyMatch(caller -> caller.answers.get() < 50)) {
      assertNull(failure.get());
      Thread.sleep(10);
    }
    long start = System.nanoTime();
    process.destroy(); // SIGTERM
    try {
      while (health(client) == 200) {
        Thread.sleep(10);
      }
    } catch (IOException refused) {
      // It has drained already.
    }
    while (failure.get() == null
        && callers.stream().anyMatch(caller -> caller.farewells.get() == 0)) {
      Thread.sleep(10); // a balancer that does not look all the time
    }
    isDown.set(true);
    for (Thread thread : threads) {
      thread.join();
    }
    boolean isInTime = System.nanoTime() - start < TimeUnit.MILLISECONDS.toNanos(drainMillis);
    assertTrue(!isInTime || failure.get() == null, () -> String.valueOf(failure.get()));
    assertEquals(SIGTERM_CODE, process.waitFor());
    assertThrows(ConnectException.class, () -> health(client));
    return isInTime;
  }
}
