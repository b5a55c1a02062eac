// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A headless Chromium that shows pages, by the DevTools protocol. */
final class Browser implements AutoCloseable {
  private static final int SECONDS = 200;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Process process;
  private final Path profile;
  private final WebSocket socket;
  private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
  private final List<String> problems = Collections.synchronizedList(new ArrayList<>());
  private final Map<String, CompletableFuture<Void>> loads = new ConcurrentHashMap<>();
  private int last;

  private Browser(Process process, Path profile, URI page) {
    this.process = process;
    this.profile = profile;
    socket =
        HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(page, new Listener()).join();
  }

  /** Returns where Chromium is, if it is anywhere. */
  static Optional<Path> program() {
    return List.of("chromium", "chromium-browser", "google-chrome").stream()
        .map(name -> Path.of("/usr/bin", name))
        .filter(Files::isExecutable)
        .findFirst();
  }

  static Browser start(Path program) throws IOException, InterruptedException {
    Path profile = Files.createTempDirectory("browser");
    ProcessBuilder builder =
        new ProcessBuilder(
            program.toString(),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--remote-debugging-port=0",
            "--user-data-dir=" + profile,
            "about:blank");
    builder.environment().remove("LD_PRELOAD"); // that of a sanitized JVM
    Process process = builder.redirectErrorStream(true).start();
    BufferedReader output = process.inputReader();
    String line = output.readLine();
    while (line != null && !line.startsWith("DevTools listening on ")) {
      line = output.readLine();
    }
    if (line == null) {
      throw new IOException("Chromium ended before it listened");
    }
    drain(output);
    URI browser = URI.create(line.substring("DevTools listening on ".length()));
    URI pages = URI.create("http://" + browser.getAuthority() + "/json/new?about:blank");
    HttpRequest request =
        HttpRequest.newBuilder(pages).method("PUT", HttpRequest.BodyPublishers.noBody()).build();
    String page = HttpClient.newHttpClient().send(request, BodyHandlers.ofString()).body();
    URI socket = URI.create(JSON.readTree(page).get("webSocketDebuggerUrl").asText());
    Browser made = new Browser(process, profile, socket);
    for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
      made.call(domain + ".enable", "{}");
    }
    made.call("Page.setLifecycleEventsEnabled", "{\"enabled\":true}");
    return made;
  }

  /** What it says goes unread, but never fills the pipe. */
  private static void drain(BufferedReader output) {
    Thread reader =
        new Thread(
            () -> {
              try (output) {
                while (output.readLine() != null) {}
              } catch (IOException ended) {
                // with the process
              }
            });
    reader.setDaemon(true);
    reader.start();
  }

  /** Shows a page in a window of that size, and returns what it complained of. */
  List<String> show(Path file, int width, int height, boolean isDark) {
    call(
        "Emulation.setDeviceMetricsOverride",
        "{\"width\":%d,\"height\":%d,\"deviceScaleFactor\":1,\"mobile\":%b}"
            .formatted(width, height, width < 600));
    call(
        "Emulation.setEmulatedMedia",
        "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"%s\"}]}"
            .formatted(isDark ? "dark" : "light"));
    problems.clear();
    JsonNode navigation = call("Page.navigate", "{\"url\":\"" + file.toUri() + "\"}");
    load(navigation.get("loaderId").asText()).orTimeout(SECONDS, TimeUnit.SECONDS).join();
    return problems;
  }

  /** Returns what is complete once that navigation, and none before it, has loaded its page. */
  private CompletableFuture<Void> load(String loader) {
    return loads.computeIfAbsent(loader, key -> new CompletableFuture<>());
  }

  /** Returns the value of an expression, awaited if it is a promise. */
  JsonNode evaluate(String expression) {
    ObjectNode parameters = JSON.createObjectNode();
    parameters.put("expression", expression).put("awaitPromise", true).put("returnByValue", true);
    JsonNode result = call("Runtime.evaluate", parameters.toString());
    if (result.has("exceptionDetails")) {
      throw new IllegalStateException(result.get("exceptionDetails").toString());
    }
    return result.get("result").path("value");
  }

  /** Returns the whole page as PNG. */
  byte[] screenshot() {
    JsonNode size =
        evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]");
    String clip =
        ("{\"format\":\"png\",\"captureBeyondViewport\":true,"
                + "\"clip\":{\"x\":0,\"y\":0,\"width\":%d,\"height\":%d,\"scale\":1}}")
            .formatted(size.get(0).asInt(), Math.min(12000, size.get(1).asInt()));
    return Base64.getDecoder().decode(call("Page.captureScreenshot", clip).get("data").asText());
  }

  private JsonNode call(String method, String parameters) {
    int id = ++last;
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    answers.put(id, answer);
    String message =
        "{\"id\":%d,\"method\":\"%s\",\"params\":%s}".formatted(id, method, parameters);
    socket.sendText(message, true).join();
    return answer.orTimeout(SECONDS, TimeUnit.SECONDS).join();
  }

  private void hear(JsonNode message) {
    if (message.has("id")) {
      CompletableFuture<JsonNode> answer = answers.remove(message.get("id").asInt());
      if (message.has("error")) {
        answer.completeExceptionally(new IllegalStateException(message.get("error").toString()));
      } else {
        answer.complete(message.get("result"));
      }
      return;
    }
    JsonNode what = message.path("params");
    switch (message.path("method").asText()) {
      case "Page.lifecycleEvent" -> {
        if (what.path("name").asText().equals("load")) {
          load(what.path("loaderId").asText()).complete(null);
        }
      }
      case "Page.javascriptDialogOpening" -> problems.add("dialog: " + what);
      case "Runtime.exceptionThrown" -> problems.add("exception: " + what);
      case "Log.entryAdded" -> problems.add("log: " + what.path("entry"));
      case "Runtime.consoleAPICalled" -> problems.add("console: " + what);
      case "Network.requestWillBeSent" -> {
        String url = what.path("request").path("url").asText();
        if (!url.startsWith("file:") && !url.startsWith("data:")) {
          problems.add("request: " + url);
        }
      }
      default -> {}
    }
  }

  @Override
  public void close() throws IOException {
    socket.abort();
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
    process.onExit().join();
    try (Stream<Path> files = Files.walk(profile)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (UncheckedIOException changing) {
      // by a process of it that is not quite over; the rest stays
    }
  }

  /** Joins the parts of messages. */
  private final class Listener implements WebSocket.Listener {
    private final StringBuilder parts = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean isLast) {
      parts.append(data);
      if (isLast) {
        try {
          hear(JSON.readTree(parts.toString()));
        } catch (IOException error) {
          problems.add(error.toString());
        }
        parts.setLength(0);
      }
      from.request(1);
      return CompletableFuture.completedFuture(null);
    }
  }
}
