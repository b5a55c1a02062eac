// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import dev.espalier.Espalier;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Workload S: a fresh JVM from the start of its process to the first prediction of I1, with nothing
 * on the class path but what the library needs. Each program says when it is done, and what it
 * predicted; its peak resident memory is read then.
 */
final class StartupRace {
  private static final double MIB = 1 << 20;
  private static final double TOLERANCE = 1e-5;

  private final Lineup lineup;

  StartupRace(Lineup lineup) {
    this.lineup = lineup;
  }

  void run() throws IOException {
    if (!lineup.isWanted("S")) {
      return;
    }
    Work work = lineup.work("I1", 64);
    WorkWriter.writeRaw(work);
    List<Program> programs = new ArrayList<>();
    try (Field field = new Field(lineup, 1, false)) {
      for (ContenderKind kind : lineup.kinds) {
        if (kind.name().equals("ort") && field.client(kind) != null) {
          field.client(kind).predict(work, 1); // writes the ONNX model
        }
      }
    }
    for (ContenderKind kind : lineup.kinds) {
      Program program = Program.of(kind, lineup.root);
      if (program != null && program.jars.stream().allMatch(Files::exists)) {
        programs.add(program);
      }
    }
    programs.add(new Program("", BareStartup.class.getName(), List.of(benchJar())));
    int rounds = lineup.effort.isQuick() ? 3 : 9;
    float[] reference = null;
    for (Program program : programs) {
      runOnce(program, work, false); // fills the caches of the disk and of native libraries
      reference = reference == null ? program.outputs : reference;
      if (!program.name.isEmpty()) {
        Agreement.require(program.name + " on S", reference, program.outputs, TOLERANCE);
      }
    }
    for (int round = 0; round < rounds; round++) {
      for (Program program : programs) {
        program.add("startup_ms", runOnce(program, work, false));
        program.add("startup_first_ms", runOnce(program, work, true));
      }
    }
    report(programs);
  }

  private void report(List<Program> programs) {
    Line line = new Line("S", 1, 1, "ms to the first prediction", false);
    for (Program program : programs) {
      if (program.name.isEmpty()) {
        System.out.printf(
            "S: a JVM that does nothing: %.0f ms, peak RSS %.1f MiB%n",
            program.median("startup_ms"), program.median("peak_rss_mb"));
        continue;
      }
      for (String metric : List.of("startup_ms", "startup_first_ms", "peak_rss_mb")) {
        add(program.name, metric, program.median(metric));
      }
      double bytes =
          program.jars.stream()
              .filter(jar -> !jar.equals(benchJar()) && !jar.toString().contains("bench-"))
              .mapToDouble(jar -> jar.toFile().length())
              .sum();
      add(program.name, "jars_mb", bytes / MIB);
      line.add(program.name, program.median("startup_ms"));
    }
    System.out.println(line);
    programs.stream()
        .filter(program -> program.name.isEmpty())
        .forEach(program -> bareRss(program.median("peak_rss_mb")));
  }

  private void bareRss(double megabytes) {
    try {
      lineup.versions.put("bare JVM, peak RSS in MiB", String.format("%.1f", megabytes));
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private void add(String contender, String metric, double value) {
    lineup.results.add(new ResultsFile.Key("S", contender, 1, 1, metric), value);
  }

  /** Milliseconds to the line that the program prints. */
  private double runOnce(Program program, Work work, boolean isCacheEmptied) throws IOException {
    Path cache = lineup.folder.resolve("startup-cache").resolve(program.main);
    if (isCacheEmptied) {
      TemporaryFolder.remove(cache);
    }
    Files.createDirectories(cache);
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Dorg.bytedeco.javacpp.cachedir=" + cache,
            "-cp",
            program.jars.stream()
                .map(Path::toString)
                .collect(Collectors.joining(File.pathSeparator)),
            program.main,
            work.folder().toString());
    builder.redirectError(
        ProcessBuilder.Redirect.appendTo(lineup.folder.resolve("contenders.log").toFile()));
    builder.environment().remove("OPENBLAS_CORETYPE");
    final long start = System.nanoTime();
    Process process = builder.start();
    double millis = Double.NaN;
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(process.getInputStream()))) {
      String line;
      while ((line = lines.readLine()) != null) {
        if (line.startsWith(StartupReport.READY)) {
          millis = (System.nanoTime() - start) * 1e-6;
          String[] words = line.substring(StartupReport.READY.length()).split(" ");
          program.add("peak_rss_mb", Double.parseDouble(words[0]) / 1024);
          program.outputs = new float[words.length - 1];
          for (int i = 0; i < program.outputs.length; i++) {
            program.outputs[i] = Float.parseFloat(words[i + 1]);
          }
        }
      }
    }
    if (Double.isNaN(millis)) {
      throw new IOException("S: no prediction by " + program.main);
    }
    return millis;
  }

  private Path benchJar() {
    return lineup.root.resolve("bench/jvm/target/espalier-bench-0.1.0.jar");
  }

  /** A main class with its class path, and what was measured of it. */
  private static final class Program {
    final String name;
    final String main;
    final List<Path> jars;
    private final Map<String, List<Double>> values = new LinkedHashMap<>();
    float[] outputs;

    Program(String name, String main, List<Path> jars) {
      this.name = name;
      this.main = main;
      this.jars = jars;
    }

    /** The contender's program; null if it has none. */
    static Program of(ContenderKind kind, Path root) throws IOException {
      Path own = root.resolve("bench/jvm/target");
      Path peers = root.resolve("bench/jvm/peers/target");
      Path bench = own.resolve("espalier-bench-" + Espalier.version() + ".jar");
      Path peerBench = peers.resolve("espalier-bench-peers-" + Espalier.version() + ".jar");
      return switch (kind.name()) {
        case "espalier" ->
            new Program(
                "espalier",
                "dev.espalier.bench.EspalierStartup",
                jars(own.resolve("lib"), "(espalier|javacpp|openblas)-[0-9].*", bench));
        case "ort" ->
            new Program(
                "ort",
                "dev.espalier.bench.peers.OnnxRuntimeStartup",
                jars(peers.resolve("lib"), "onnxruntime-.*", bench, peerBench));
        case "torch" ->
            new Program(
                "torch",
                "dev.espalier.bench.peers.TorchStartup",
                jars(peers.resolve("lib"), "(pytorch|javacpp|openblas)-.*", bench, peerBench));
        default -> null;
      };
    }

    void add(String metric, double value) {
      values.computeIfAbsent(metric, k -> new ArrayList<>()).add(value);
    }

    double median(String metric) {
      return Samples.median(values.get(metric).stream().mapToDouble(Double::doubleValue).toArray());
    }

    private static List<Path> jars(Path folder, String pattern, Path... more) throws IOException {
      List<Path> jars = new ArrayList<>(List.of(more));
      try (Stream<Path> files = Files.list(folder)) {
        files
            .filter(file -> file.getFileName().toString().matches(pattern))
            .sorted()
            .forEach(jars::add);
      }
      return jars;
    }
  }
}
