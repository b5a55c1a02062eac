// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.service;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.Network;
import dev.espalier.bench.Networks;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Workload H: two processes of the service, one with this library, one with ONNX Runtime, under
 * load from wrk in turn.
 */
@Command(
    name = "http",
    mixinStandardHelpOptions = true,
    description = "Races the HTTP example against itself with ONNX Runtime; needs wrk.")
public final class HttpRace implements Callable<Integer> {
  private static final int[] CONNECTIONS = {1, 8, 64};
  private static final List<String> CONTENDERS = List.of("espalier", "ort");

  @Option(names = "--out", description = "rows are added to it (default: ${DEFAULT-VALUE})")
  private Path results = Path.of("target/bench/results.csv");

  @Option(names = "--seconds", description = "of each run (default: ${DEFAULT-VALUE})")
  private int seconds = 5;

  @Option(names = "--rounds", description = "runs of each cell (default: ${DEFAULT-VALUE})")
  private int rounds = 3;

  @Option(names = "--model", description = "the network of that workload: ${DEFAULT-VALUE}")
  private String workload = "I1";

  /** Runs the race. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new HttpRace()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path folder = Files.createDirectories(results.toAbsolutePath().resolveSibling("http"));
    Path model = folder.resolve(workload + ".safetensors");
    int inputSize;
    try (Network network = Networks.build(workload)) {
      network.save(model);
      inputSize = network.inputShape().size();
    }
    byte[] body = body(inputSize);
    Wrk wrk = new Wrk(folder, body);
    Map<String, Service> services = new LinkedHashMap<>();
    try {
      for (String contender : CONTENDERS) {
        services.put(contender, Service.start(contender, model, folder));
      }
      requireEqualAnswers(services, body);
      for (Service service : services.values()) {
        wrk.run(service.port, 8, 2 * seconds);
      }
      for (int connections : CONNECTIONS) {
        race(services, wrk, connections);
      }
    } finally {
      services.values().forEach(service -> service.process.destroy());
      for (Service service : services.values()) {
        service.process.waitFor();
      }
    }
    return 0;
  }

  private static byte[] body(int inputSize) {
    ByteBuffer body = ByteBuffer.allocate(Float.BYTES * inputSize).order(ByteOrder.LITTLE_ENDIAN);
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < inputSize; i++) {
      body.putFloat((float) random.nextDouble());
    }
    return body.array();
  }

  private void race(Map<String, Service> services, Wrk wrk, int connections)
      throws IOException, InterruptedException {
    Map<String, List<Wrk.Result>> runs = new LinkedHashMap<>();
    Map<String, List<GcLog.Summary>> collections = new LinkedHashMap<>();
    for (int round = 0; round < rounds; round++) {
      for (Map.Entry<String, Service> entry : services.entrySet()) {
        Service service = entry.getValue();
        double from = service.uptime();
        Wrk.Result result = wrk.run(service.port, connections, seconds);
        if (result.errors() > 0) {
          throw new IOException(entry.getKey() + ": " + result.errors() + " requests failed");
        }
        runs.computeIfAbsent(entry.getKey(), key -> new ArrayList<>()).add(result);
        collections
            .computeIfAbsent(entry.getKey(), key -> new ArrayList<>())
            .add(GcLog.read(service.gcLog, from, service.uptime()));
      }
    }
    runs.forEach(
        (contender, results) -> {
          List<GcLog.Summary> gc = collections.get(contender);
          add(contender, connections, "requests_per_s", results, Wrk.Result::requestsPerSecond);
          add(contender, connections, "p50_us", results, Wrk.Result::p50);
          add(contender, connections, "p99_us", results, Wrk.Result::p99);
          add(contender, connections, "p999_us", results, Wrk.Result::p999);
          add(contender, connections, "gc_pauses", gc, GcLog.Summary::pauses);
          add(contender, connections, "gc_longest_ms", gc, GcLog.Summary::longestMillis);
          add(contender, connections, "gc_total_ms", gc, GcLog.Summary::totalMillis);
          add(contender, connections, "alloc_mb_per_s", gc, GcLog.Summary::megabytesPerSecond);
        });
  }

  /** Adds a row: the median of the runs. */
  private <R> void add(
      String contender, int connections, String metric, List<R> runs, ToDoubleFunction<R> figure) {
    double[] values = runs.stream().mapToDouble(figure).sorted().toArray();
    double value = values[values.length / 2];
    if (Double.isNaN(value)) {
      return;
    }
    String row =
        String.format(Locale.ROOT, "H,%s,%d,1,%s,%.6g", contender, connections, metric, value);
    System.out.println(row);
    try {
      if (!Files.exists(results)) {
        Files.writeString(results, "workload,contender,threads,batch,metric,value\n");
      }
      Files.writeString(results, row + "\n", StandardOpenOption.APPEND);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** Before anything is timed: both say the same, to four digits. */
  private static void requireEqualAnswers(Map<String, Service> services, byte[] body)
      throws IOException, InterruptedException {
    List<double[]> answers = new ArrayList<>();
    for (Service service : services.values()) {
      answers.add(service.answer(body));
    }
    for (int i = 0; i < answers.get(0).length; i++) {
      if (Math.abs(answers.get(0)[i] - answers.get(1)[i]) > 1e-4) {
        throw new IOException("the answers differ at " + i);
      }
    }
  }

  /** A process that serves. */
  private record Service(Process process, int port, Path gcLog, long started) {
    static Service start(String contender, Path model, Path folder)
        throws IOException, InterruptedException {
      int port;
      try (ServerSocket socket = new ServerSocket(0)) {
        port = socket.getLocalPort();
      }
      Path gcLog = folder.resolve(contender + ".gc.log");
      long started = System.nanoTime();
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx512m",
                  "-Xlog:gc:file=" + gcLog + ":uptime",
                  "-cp",
                  System.getProperty("java.class.path"),
                  ServiceProcess.class.getName(),
                  contender,
                  model.toString(),
                  Integer.toString(port))
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve(contender + ".log").toFile())
              .start();
      Service service = new Service(process, port, gcLog, started);
      service.awaitHealth();
      return service;
    }

    double uptime() {
      return (System.nanoTime() - started) * 1e-9;
    }

    private void awaitHealth() throws IOException, InterruptedException {
      HttpRequest health = HttpRequest.newBuilder(uri("/health")).build();
      for (int attempt = 0; attempt < 300; attempt++) {
        try {
          if (client().send(health, BodyHandlers.discarding()).statusCode() == 200) {
            return;
          }
        } catch (IOException notYet) {
          Thread.sleep(100);
        }
      }
      process.destroy();
      throw new IOException("a service did not start; see the logs in " + gcLog.getParent());
    }

    double[] answer(byte[] body) throws IOException, InterruptedException {
      HttpRequest request =
          HttpRequest.newBuilder(uri("/predict"))
              .header("Content-Type", "application/octet-stream")
              .POST(HttpRequest.BodyPublishers.ofByteArray(body))
              .build();
      String text = client().send(request, BodyHandlers.ofString()).body();
      List<Double> values = new ArrayList<>();
      new ObjectMapper()
          .readTree(text)
          .get("tasks")
          .elements()
          .next()
          .get("probabilities")
          .elements()
          .forEachRemaining(value -> values.add(value.doubleValue()));
      return values.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private static HttpClient client() {
      return HttpClient.newHttpClient();
    }

    private URI uri(String path) {
      return URI.create("http://127.0.0.1:" + port + path);
    }
  }
}
