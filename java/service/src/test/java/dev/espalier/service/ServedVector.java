// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Shape;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/** A service of a network that reads a vector, and clients of it, broken ones too. */
final class ServedVector implements AutoCloseable {
  static final String BYTES = "application/octet-stream";
  private static final Duration PATIENCE = Duration.ofSeconds(100);

  private final HttpClient client = HttpClient.newHttpClient();
  private final PredictionService service;

  /** Serves a new model on a free port. */
  ServedVector(Path folder, int size, ServiceOptions options) throws IOException {
    Path model = folder.resolve("model.safetensors");
    try (Network network =
        Network.builder(Shape.vector(size)).head("a", Head.classes(3)).build(1)) {
      network.save(model);
    }
    service = PredictionService.start(model, options.port(0));
  }

  /** Sends the head of a request with these lines of headers, and part of its body. */
  Socket sent(String headers, String partOfABody) throws IOException {
    Socket socket = new Socket("127.0.0.1", service.port());
    socket.setSoTimeout(100_000);
    String head = "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + BYTES + "\r\n";
    String text = head + headers + "\r\n" + partOfABody;
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  URI address() {
    return service.address();
  }

  HttpResponse<String> predict(int bytes) throws IOException, InterruptedException {
    return predict(BYTES, BodyPublishers.ofByteArray(new byte[bytes]));
  }

  HttpResponse<String> predict(String type, BodyPublisher body)
      throws IOException, InterruptedException {
    return send(to("/predict").header("Content-Type", type).POST(body));
  }

  HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return send(to(path));
  }

  private HttpRequest.Builder to(String path) {
    return HttpRequest.newBuilder(service.address().resolve(URI.create(path))).timeout(PATIENCE);
  }

  private HttpResponse<String> send(HttpRequest.Builder request)
      throws IOException, InterruptedException {
    return client.send(request.build(), BodyHandlers.ofString());
  }

  @Override
  public void close() {
    service.close();
  }
}
