// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.service;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.Network;
import dev.espalier.bench.Networks;
import dev.espalier.bench.Versions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
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
import java.util.stream.DoubleStream;
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
    description = "Races the HTTP service against itself with ONNX Runtime; needs wrk.")
public final class HttpRace implements Callable<Integer> {
  private static final int[] CONNECTIONS = {1, 8, 64};
  private static final List<String> CONTENDERS = List.of("espalier", "ort");

  @Option(names = "--out", description = "rows are added to it (default: ${DEFAULT-VALUE})")
  private Path results = Path.of("target/bench/results.csv");

  @Option(names = "--seconds", description = "of each run (default: ${DEFAULT-VALUE})")
  private int seconds = 5;

  @Option(names = "--rounds", description = "runs of each cell (default: ${DEFAULT-VALUE})")
  private int rounds = 3;

  @Option(names = "--java", description = "the JVM of the services (default: this one)")
  private Path java = Path.of(System.getProperty("java.home"), "bin", "java");

  @Option(names = "--model", description = "the network of that workload: ${DEFAULT-VALUE}")
  private String workload = "I1";

  /** Runs the race. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new HttpRace()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    noteVersion();
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
        services.put(contender, Service.start(java, contender, model, folder));
      }
      requireEqualAnswers(services, body);
      for (Service service : services.values()) {
        warmUp(service, wrk);
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

  /**
   * Many connections reach what is to be compiled soonest; one alone leaves the compilers a core to
   * end with it, which they did not on two cores in the first 5 to 10 seconds (p99 2.4 ms, 0.2
   * after that).
   */
  private void warmUp(Service service, Wrk wrk) throws IOException, InterruptedException {
    wrk.run(service.port, 8, 2 * seconds);
    wrk.run(service.port, 1, 2 * seconds);
  }

  /** Says which JVM served, on the screen and beside the results. */
  private void noteVersion() throws IOException, InterruptedException {
    Process process = new ProcessBuilder(java.toString(), "-version").start();
    String version = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(java + " -version failed: " + version);
    }
    String line = version.lines().findFirst().orElse("unknown").replace("\"", "");
    System.out.println("the services run on " + line);
    new Versions(results.resolveSibling("versions.json")).put("H: services on", line);
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
    Map<String, List<Heap>> heaps = new LinkedHashMap<>();
    for (int round = 0; round < rounds; round++) {
      for (Map.Entry<String, Service> entry : services.entrySet()) {
        Service service = entry.getValue();
        double usedBefore = service.heapMegabytes();
        long from = System.currentTimeMillis();
        Wrk.Result result = wrk.run(service.port, connections, seconds);
        if (result.errors() > 0) {
          throw new IOException(entry.getKey() + ": " + result.errors() + " requests failed");
        }
        double usedAfter = service.heapMegabytes();
        GcLog.Summary gc = GcLog.read(service.gcLog, from, System.currentTimeMillis());
        double allocated = usedAfter - usedBefore + gc.freedMegabytes();
        runs.computeIfAbsent(entry.getKey(), key -> new ArrayList<>()).add(result);
        heaps
            .computeIfAbsent(entry.getKey(), key -> new ArrayList<>())
            .add(
                new Heap(
                    gc,
                    allocated / result.seconds(),
                    allocated * 1024 / (result.requestsPerSecond() * result.seconds())));
      }
    }
    runs.forEach(
        (contender, results) -> {
          List<Heap> heap = heaps.get(contender);
          add(contender, connections, "requests_per_s", results, Wrk.Result::requestsPerSecond);
          add(contender, connections, "p50_us", results, Wrk.Result::p50);
          add(contender, connections, "p99_us", results, Wrk.Result::p99);
          add(contender, connections, "p999_us", results, Wrk.Result::p999);
          add(contender, connections, "gc_pauses", heap, h -> h.gc.pauses());
          add(contender, connections, "gc_longest_ms", heap, h -> h.gc.longestMillis());
          add(contender, connections, "gc_total_ms", heap, h -> h.gc.totalMillis());
          add(contender, connections, "alloc_mb_per_s", heap, Heap::megabytesPerSecond);
          add(contender, connections, "alloc_kb_per_request", heap, Heap::kilobytesPerRequest);
        });
  }

  /** What one run did to the heap of the service. */
  private record Heap(GcLog.Summary gc, double megabytesPerSecond, double kilobytesPerRequest) {}

  /** Adds a row: the median of the runs. */
  private <R> void add(
      String contender, int connections, String metric, List<R> runs, ToDoubleFunction<R> figure) {
    double[] values = runs.stream().mapToDouble(figure).sorted().toArray();
    double value = values[values.length / 2];
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
  private record Service(Process process, int port, Path gcLog) {
    private static final String USED = "jvm_memory_used_bytes{area=\"heap\",";

    static Service start(Path java, String contender, Path model, Path folder)
        throws IOException, InterruptedException {
      int port;
      try (ServerSocket socket = new ServerSocket(0)) {
        port = socket.getLocalPort();
      }
      Path gcLog = folder.resolve(contender + ".gc.log");
      Process process =
          new ProcessBuilder(
                  java.toString(),
                  "-Xmx512m",
                  "-Xlog:gc:file=" + gcLog + ":timemillis",
                  "-cp",
                  System.getProperty("java.class.path"),
                  ServiceProcess.class.getName(),
                  contender,
                  model.toString(),
                  Integer.toString(port))
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve(contender + ".log").toFile())
              .start();
      Service service = new Service(process, port, gcLog);
      service.awaitHealth();
      return service;
    }

    /** Returns the heap that the service uses now, garbage included. */
    double heapMegabytes() throws IOException, InterruptedException {
      HttpRequest request = HttpRequest.newBuilder(uri("/metrics")).build();
      String text = client().send(request, BodyHandlers.ofString()).body();
      double[] pools =
          text.lines()
              .filter(line -> line.startsWith(USED))
              .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
              .toArray();
      if (pools.length == 0) {
        throw new IOException("no " + USED + "in\n" + text);
      }
      return DoubleStream.of(pools).sum() / (1 << 20);
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
