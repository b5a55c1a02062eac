// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.espalier.Espalier;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who may replace the model, and that nothing waits for one that is being loaded. */
@Timeout(120)
class AdminTest {
  private static final String TOKEN = "a token of the tests";
  private static final String JSON = "application/json";
  private static final ServiceOptions OPTIONS =
      ServiceOptions.defaults().port(0).drain(Duration.ZERO);

  @TempDir Path folder;

  private final HttpClient client = HttpClient.newHttpClient();
  private Path model;
  private EspalierEngine engine;
  private PredictionService service;

  @BeforeEach
  void start() throws IOException {
    model = folder.resolve("model.safetensors");
    try (Network network = Network.builder(Shape.vector(4)).head("a", Head.classes(3)).build(1)) {
      network.save(model);
    }
    engine = new EspalierEngine(model, ServiceOptions.defaults().predictor());
    service = PredictionService.start(engine, OPTIONS.host("0.0.0.0").adminToken(TOKEN));
  }

  @AfterEach
  void stop() {
    service.close();
    engine.close();
  }

  private HttpRequest.Builder request(String host, String type) {
    return HttpRequest.newBuilder(
            URI.create("http://" + host + ":" + service.port() + "/admin/model"))
        .header("Content-Type", type)
        .POST(BodyPublishers.noBody());
  }

  private HttpRequest.Builder legal() {
    return request("127.0.0.1", JSON).header("Authorization", "Bearer " + TOKEN);
  }

  private int status(HttpRequest.Builder request) throws IOException, InterruptedException {
    return client.send(request.build(), BodyHandlers.ofString()).statusCode();
  }

  @Test
  void demandsTheToken() throws Exception {
    assertEquals(200, status(legal()));
    HttpResponse<String> without =
        client.send(request("127.0.0.1", JSON).build(), BodyHandlers.ofString());
    assertEquals(401, without.statusCode());
    assertEquals("Bearer", without.headers().firstValue("WWW-Authenticate").orElse(""));
    for (String wrong :
        new String[] {TOKEN, "Bearer", "Bearer ", "Bearer x", "Basic " + TOKEN, "Bearer" + TOKEN}) {
      assertEquals(401, status(request("127.0.0.1", JSON).header("Authorization", wrong)), wrong);
    }
  }

  /** What a form on some page, or a script there, would send; the token given nonetheless. */
  @Test
  void pagesInABrowserGetNowhere() throws Exception {
    for (String type :
        new String[] {
          "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"
        }) {
      HttpRequest.Builder form =
          request("127.0.0.1", type).header("Authorization", "Bearer " + TOKEN);
      assertEquals(415, status(form), type);
    }
    assertEquals(403, status(legal().header("Origin", "http://elsewhere.example")));
    assertEquals(403, status(legal().header("Origin", "null")));
    for (String site : new String[] {"cross-site", "same-site", "same-origin"}) {
      assertEquals(403, status(legal().header("Sec-Fetch-Site", site)), site);
    }
    assertEquals(200, status(legal().header("Sec-Fetch-Site", "none")));
  }

  @Test
  void isOffWithoutAToken() throws Exception {
    service.close();
    service = PredictionService.start(engine, OPTIONS);
    assertEquals(404, status(legal()));
  }

  /** By an address of this machine that is not a loopback one, which stands for another machine. */
  @Test
  void isForThisMachineAlone() throws Exception {
    InetAddress other = null;
    for (NetworkInterface network : Collections.list(NetworkInterface.getNetworkInterfaces())) {
      for (InetAddress address : Collections.list(network.getInetAddresses())) {
        if (!address.isLoopbackAddress() && address instanceof Inet4Address) {
          other = address;
        }
      }
    }
    assumeTrue(other != null, "this machine has only loopback addresses");
    HttpRequest.Builder request =
        request(other.getHostAddress(), JSON).header("Authorization", "Bearer " + TOKEN);
    assertEquals(403, status(request));
  }

  /** A model whose plan takes for ever to make keeps neither the service nor the engine open. */
  @Test
  void closingWaitsForNoModel() throws Exception {
    service.close();
    long handles = Espalier.liveHandles();
    CountDownLatch isLoading = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    AtomicInteger loads = new AtomicInteger();
    Function<Path, Predictor> slow =
        file -> {
          if (loads.getAndIncrement() > 0) {
            isLoading.countDown();
            try {
              release.await();
            } catch (InterruptedException stopped) {
              Thread.currentThread().interrupt(); // native code would not hear of it
              awaitUninterruptibly(release);
            }
          }
          try (Network network = Network.load(file)) {
            return network.predictor();
          }
        };
    EspalierEngine slowEngine = new EspalierEngine(model, slow);
    service = PredictionService.start(slowEngine, OPTIONS.adminToken(TOKEN));
    CompletableFuture<HttpResponse<String>> reload =
        client.sendAsync(legal().build(), BodyHandlers.ofString());
    isLoading.await();
    service.close();
    slowEngine.close();
    assertEquals(503, reload.get().statusCode());
    release.countDown();
    while (Espalier.liveHandles() != handles) { // the model that came too late is closed, too
      Thread.sleep(10);
    }
  }

  /**
   * What comes too late, if anything does, is told so, or refused, and is no error of the service.
   */
  @Test
  void reloadsWhileItClosesSucceedOrGet503() throws Exception {
    HttpRequest legal = legal().timeout(Duration.ofSeconds(100)).build();
    List<CompletableFuture<HttpResponse<String>>> reloads = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      reloads.add(client.sendAsync(legal, BodyHandlers.ofString()));
    }
    assertEquals(200, status(legal()));
    Thread closing = new Thread(service::close);
    closing.start();
    while (closing.isAlive() && reloads.size() < 200) {
      reloads.add(client.sendAsync(legal, BodyHandlers.ofString()));
    }
    closing.join();
    for (CompletableFuture<HttpResponse<String>> reload : reloads) {
      try {
        int status = reload.get().statusCode();
        assertTrue(status == 200 || status == 503, () -> "status " + status);
      } catch (ExecutionException noConnection) {
        assertInstanceOf(IOException.class, noConnection.getCause());
        assertFalse(noConnection.getCause() instanceof HttpTimeoutException, "no answer");
      }
    }
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    while (true) {
      try {
        Thread.interrupted();
        latch.await();
        return;
      } catch (InterruptedException again) {
        continue;
      }
    }
  }
}
